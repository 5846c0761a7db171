// A bot that plays any game of moves: it picks one of its legal moves by chance.
// Try it: exec:node agents/external/bots/random_bot.js
const lines = require("readline").createInterface({ input: process.stdin });
let legal = [];
lines.on("line", (line) => {
  const [word, ...rest] = line.trim().split(/\s+/);
  if (word === "hello") console.log("ready");
  if (word === "legal") legal = rest;
  if (word === "go") console.log(legal[Math.floor(Math.random() * legal.length)]);
});
