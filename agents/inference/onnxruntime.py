"""Inference by ONNX Runtime in float32: for machines without OpenVINO; needs the extra `onnx`."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper

from agents.inference import Answer, numbers
from agents.inference.opened import Opened, example
from agents.networks import Playing


class OnnxRuntime:
    """Float32 on the CPU; a new session for each snapshot, in a few milliseconds."""

    exact = True

    def __init__(self, playing: Playing, threads: int) -> None:
        self.threads = threads
        arguments = example(playing)
        whole = ({0: torch.export.Dim("batch", min=1, max=1 << 20)}, (None,) * (len(arguments) - 1))
        before = logging.root.manager.disable
        logging.disable(logging.CRITICAL)  # the exporter warns of every optional package that it does not find
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exported = torch.export.export(Opened(playing), arguments, dynamic_shapes=whole)
                program = torch.onnx.export(exported, dynamo=True, optimize=False, verbose=False)
        finally:
            logging.disable(before)
        assert program is not None
        self.model: ModelProto = program.model_proto
        self.names = list(numbers(playing))
        self.load(playing)

    def load(self, playing: Playing) -> None:
        model = ModelProto()
        model.CopyFrom(self.model)
        arrays = numbers(playing)
        obs, *places = [place.name for place in model.graph.input]
        for name, place in zip(self.names, places, strict=True):
            model.graph.initializer.append(numpy_helper.from_array(arrays[name].numpy(), place))
        del model.graph.input[1:]
        options = ort.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.obs = obs
        self.session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def run(self, obs: NDArray[np.float32]) -> Answer:
        logits, odds = self.session.run(None, {self.obs: obs})
        return np.asarray(logits), np.asarray(odds)
