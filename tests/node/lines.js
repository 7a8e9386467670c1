// Commands on stdin, a line each, for the three programs beside this file.
'use strict';

const readline = require('node:readline');

/**
 * Calls `commands[word](rest)` for each line `word rest`, one at a time and in order; a command may return a promise.
 * `quit`, the end of stdin, SIGINT and SIGTERM all call `commands.quit`: when the test that started us dies, so do we.
 */
function readCommands(commands) {
  let queue = Promise.resolve();
  let over = false;

  function quit() {
    if (over) return;
    over = true;
    queue = queue.then(() => commands.quit());
  }

  function run(line) {
    const [, word, rest] = /^(\S*)\s*(.*)$/.exec(line);
    if (word === '' || over) return;
    if (word === 'quit') return quit();
    if (!Object.hasOwn(commands, word)) {
      process.stderr.write(`no such command: ${word}; there are ${Object.keys(commands).join(', ')}\n`);
      process.exit(2);
    }
    queue = queue.then(() => commands[word](rest));
  }

  const input = readline.createInterface({ input: process.stdin });
  input.on('line', run);
  input.on('close', quit);
  process.on('SIGINT', quit);
  process.on('SIGTERM', quit);
}

module.exports = { readCommands };
