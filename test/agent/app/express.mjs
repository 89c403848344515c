// The Express application in a process whose main script is an ES module.
import express from 'express'

if (typeof express.Router !== 'function') throw new Error('not Express')
await import('./express.cjs')
