// Several viewers in one program, each with a socket.io-client and a connection of its own, that only count.
//
//   node viewers.js URL VIEWERS WANTED [--path /socket.io]
//
// Prints {"connected":VIEWERS}, and as soon as each of them has had WANTED `log` events
// {"received":…,"at_s":…,"fewest":…,"most":…}: all together, the monotonic clock's seconds, and of single viewers.
// `count` on stdin is answered by the same line at any time.
'use strict';

const { parseArgs } = require('node:util');

const { io } = require('socket.io-client');

const { readCommands } = require('./lines');

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { path: { type: 'string', default: '/socket.io' } },
});
const url = positionals[0];
const [viewers, wanted] = positionals.slice(1).map(Number);
const counts = new Array(viewers).fill(0);
let connected = 0;
let complete = 0;

function say(object) {
  process.stdout.write(`${JSON.stringify(object)}\n`);
}

function tell() {
  const received = counts.reduce((sum, count) => sum + count, 0);
  const atS = Number(process.hrtime.bigint()) / 1e9;
  say({ received, at_s: atS, fewest: Math.min(...counts), most: Math.max(...counts) });
}

for (let viewer = 0; viewer < viewers; viewer += 1) {
  const socket = io(url, { path: options.path, transports: ['websocket'], forceNew: true });
  socket.on('connect', () => {
    connected += 1;
    if (connected === viewers) say({ connected });
  });
  socket.on('log', () => {
    counts[viewer] += 1;
    if (counts[viewer] === wanted) {
      complete += 1;
      if (complete === viewers) tell();
    }
  });
}

readCommands({ count: tell, quit: () => process.exit(0) });
