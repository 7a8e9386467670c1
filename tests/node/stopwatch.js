// A viewer that takes the time from a producer's call to its own event: of entries that carry `context.at_us`.
//
//   node stopwatch.js URL WANTED [--path /socket.io] [--proto 2]
//
// Prints {"connected":true}, and after WANTED entries {"received":…,"median_ms":…,"p99_ms":…,"most_ms":…}. `lap N` on
// stdin begins anew, for N entries, and forgets those before.
'use strict';

const { parseArgs } = require('node:util');

const { io } = require('socket.io-client');

const { readCommands } = require('./lines');

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { path: { type: 'string', default: '/socket.io' }, proto: { type: 'string', default: '1' } },
});
const url = positionals[0];
const isNew = options.proto === '2';
let wanted = Number(positionals[1]);
let tookMs = [];

function say(object) {
  process.stdout.write(`${JSON.stringify(object)}\n`);
}

function at(share) {
  return tookMs[Math.min(tookMs.length - 1, Math.floor(tookMs.length * share))];
}

function take(entry) {
  const sentUs = entry.context?.at_us;
  if (sentUs === undefined) return;
  tookMs.push((Number(process.hrtime.bigint()) / 1e3 - sentUs) / 1e3);
  if (tookMs.length === wanted) {
    tookMs.sort((one, other) => one - other);
    say({ received: wanted, median_ms: at(0.5), p99_ms: at(0.99), most_ms: at(1) });
  }
}

const auth = isNew ? { proto: 2 } : {};
const socket = io(url, { path: options.path, transports: ['websocket'], auth });
socket.on('connect', () => {
  if (isNew) socket.emit('subscribe', { query: '', from: 'tail' }, () => say({ connected: true }));
  else say({ connected: true });
});
socket.on('log', ({ data }) => take(data));
socket.on('logBatch', ({ data }, acknowledge) => {
  acknowledge();
  data.forEach(take);
});

readCommands({
  lap(rest) {
    wanted = Number(rest);
    tookMs = [];
    say({ lap: wanted });
  },
  quit: () => process.exit(0),
});
