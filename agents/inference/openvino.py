"""Inference by OpenVINO: the network is traced once, and compiled anew for each snapshot in some 30 ms."""

from __future__ import annotations

import warnings

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import torch
from numpy.typing import NDArray
from openvino.frontend import FrontEndManager
from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

from agents.hardware import native_bfloat16
from agents.inference import Answer, Unsuited, numbers
from agents.inference.opened import Opened, example
from agents.networks import Playing


class OpenVino:
    """Float32 on the CPU."""

    exact = False  # OpenVINO generates kernels for every batch size it meets: 4 to 8 ms
    precision = "f32"

    def __init__(self, playing: Playing, threads: int) -> None:
        self.core = ov.Core()
        self.settings = {
            "INFERENCE_PRECISION_HINT": self.precision,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,  # or every process pins its threads to the same first cores
        }
        arguments = example(playing)
        with warnings.catch_warnings():
            # torch.export, which torch.jit's deprecation points to, takes 2 s where this takes 0.3 s.
            warnings.simplefilter("ignore")
            traced = torch.jit.trace(Opened(playing), arguments, check_trace=False)
        self.names = list(numbers(playing))
        # The front end by itself: ov.convert_model would report its use over the network.
        front = FrontEndManager().load_by_framework("pytorch")
        decoder = TorchScriptPythonDecoder(traced)  # to be kept until the conversion has read it
        self.model = front.convert(front.load(decoder))
        shapes = [ov.PartialShape(list(tensor.shape)) for tensor in arguments]
        shapes[0] = ov.PartialShape([-1, *playing.shape])
        places = self.model.inputs
        self.model.reshape(dict(zip(places, shapes, strict=True)))
        self.load(playing)

    def load(self, playing: Playing) -> None:
        model = self.model.clone()
        arrays = numbers(playing)
        for name, place in zip(self.names, model.get_parameters()[1:], strict=True):
            constant = ops.constant(arrays[name].numpy())
            place.output(0).replace(constant.output(0))
            model.remove_parameter(place)
        self.request = self.core.compile_model(model, "CPU", self.settings).create_infer_request()

    def run(self, obs: NDArray[np.float32]) -> Answer:
        logits, odds = self.request.infer({0: obs}, share_inputs=True, share_outputs=True).to_tuple()
        return logits, odds


class OpenVinoBf16(OpenVino):
    """Bfloat16 on a CPU that multiplies it; sums stay in float32."""

    precision = "bf16"

    def __init__(self, playing: Playing, threads: int) -> None:
        if not native_bfloat16():
            raise Unsuited("the CPU has no bfloat16 arithmetic")
        super().__init__(playing, threads)
