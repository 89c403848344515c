#!/usr/bin/env node
// Statements of the embedded engine run on libuv's threads, up to five at a time, and so does every file access. With
// the usual four threads, slow questions would hold up the spool. The number counts only when it is set before the first
// use of the pool, which loading an ES module already is: hence CommonJS here.
process.env.UV_THREADPOOL_SIZE ??= '16'
import('../dist/cli/main.js')
