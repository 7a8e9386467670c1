// A Node program that sends many entries to a hub with socket.io-client, as `logs` events of so many each.
//
//   node logs-producer.js URL BATCH [--path /socket.io]
//
// Prints {"connected":true}. Commands on stdin:
//
//   burst N TEXT        N entries `TEXT 1` to `TEXT N` at once; prints {"began_s":…}, the monotonic clock's seconds
//                       before the first of them was sent
//   pace RATE N TEXT    the same, RATE a second; each entry has the monotonic clock's microseconds in `context.at_us`
//   quit                ends; so do SIGTERM and the end of stdin
'use strict';

const { parseArgs } = require('node:util');

const { io } = require('socket.io-client');

const { readCommands } = require('./lines');

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { path: { type: 'string', default: '/socket.io' } },
});
const [url, batch] = [positionals[0], Number(positionals[1])];
const TICK_MS = 1;

function say(object) {
  process.stdout.write(`${JSON.stringify(object)}\n`);
}

function nowUs() {
  return Number(process.hrtime.bigint() / 1000n);
}

function entry(text, n, more) {
  const context = { source: 'producer', pid: process.pid, n, ...more };
  return { level: 'info', message: `${text} ${n}`, timestamp: new Date().toISOString(), context };
}

const socket = io(url, { path: options.path, transports: ['websocket'] });
socket.on('connect', () => say({ connected: true }));

readCommands({
  burst(rest) {
    const [, count, text] = /^(\d+)\s*(.*)$/.exec(rest);
    say({ began_s: nowUs() / 1e6 });
    for (let first = 1; first <= Number(count); first += batch) {
      const last = Math.min(first + batch - 1, Number(count));
      const entries = [];
      for (let n = first; n <= last; n += 1) entries.push(entry(text, n));
      socket.emit('logs', entries);
    }
  },
  async pace(rest) {
    const [, rate, count, text] = /^(\d+)\s+(\d+)\s*(.*)$/.exec(rest);
    const beganUs = nowUs();
    let sent = 0;
    while (sent < Number(count)) {
      const due = Math.min(Number(count), Math.floor(((nowUs() - beganUs) / 1e6) * Number(rate)));
      const entries = [];
      while (sent < due) {
        sent += 1;
        entries.push(entry(text, sent, { at_us: nowUs() }));
      }
      if (batch === 1) entries.forEach((one) => socket.emit('log', one));
      else if (entries.length > 0) socket.emit('logs', entries);
      await new Promise((resolve) => { setTimeout(resolve, TICK_MS); });
    }
    say({ done: 'pace' });
  },
  quit: () => process.exit(0),
});
