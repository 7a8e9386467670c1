// Several version 2 viewers in one program that do no more than they must: each batch is acknowledged, none is decoded.
//
//   node ack-viewers.js URL VIEWERS TO
//
// Prints {"connected":VIEWERS}, and when each has acknowledged the number TO
// {"received":…,"at_s":…,"gaps":…}: the numbers that its batches covered, all viewers together, the monotonic clock's
// seconds, and how many `gap` events came. `subscribe tail` or `subscribe ring` on stdin makes all of them subscribe;
// prints {"began_s":…} before the first does, and {"subscribed":VIEWERS} when all are.
'use strict';

const WebSocket = require('ws');

const { readCommands } = require('./lines');

const [url, viewers, to] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const BATCH = /^42(\d+)\["logBatch",\{"epoch":"[^"]*","first":(\d+),"last":(\d+),/;
const SUBSCRIBE_ID = 7;
const sockets = [];
let connected = 0;
let subscribed = 0;
let complete = 0;
let received = 0;
let gaps = 0;

function say(object) {
  process.stdout.write(`${JSON.stringify(object)}\n`);
}

function nowS() {
  return Number(process.hrtime.bigint()) / 1e9;
}

function take(socket, data) {
  const head = data.latin1Slice(0, Math.min(data.length, 200));
  if (head === '2') return socket.send('3');
  const batch = BATCH.exec(head);
  if (batch) {
    const [, id, first, last] = batch;
    socket.send(`43${id}[]`);
    received += Number(last) - Number(first) + 1;
    if (Number(last) === to) {
      complete += 1;
      if (complete === viewers) say({ received, at_s: nowS(), gaps });
    }
  } else if (head.startsWith('0{')) {
    socket.send('40{"proto":2}');
  } else if (head.startsWith('40{')) {
    connected += 1;
    if (connected === viewers) say({ connected });
  } else if (head.startsWith(`43${SUBSCRIBE_ID}[`)) {
    subscribed += 1;
    if (subscribed === viewers) say({ subscribed });
  } else if (head.startsWith('42["gap"')) {
    gaps += 1;
  }
  return undefined;
}

for (let viewer = 0; viewer < viewers; viewer += 1) {
  const address = `${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`;
  const socket = new WebSocket(address, { perMessageDeflate: false, skipUTF8Validation: true });
  socket.on('message', (data) => take(socket, data));
  sockets.push(socket);
}

readCommands({
  subscribe(from) {
    say({ began_s: nowS() });
    for (const socket of sockets) socket.send(`42${SUBSCRIBE_ID}["subscribe",{"query":"","from":"${from}"}]`);
  },
  quit: () => process.exit(0),
});
