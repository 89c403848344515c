import { connect, type Socket } from 'node:net'

/*
 * HTTP spoken by hand: the bytes on the wire, with no client in between.
 */

/** Sends raw bytes on one connection and collects what comes back until it is closed, or until `enough` says so. */
export function raw(port: number, text: string, enough: (got: string) => boolean = () => false): Promise<string> {
  return new Promise((resolve, reject) => {
    let got = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.setEncoding('latin1')
    socket.on('data', (chunk) => {
      got += chunk
      if (enough(got)) socket.end()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(got))
  })
}

/** Sends, waits for `moment`, and resets the connection. */
export async function leave(port: number, text: string, moment: (socket: Socket) => Promise<unknown>): Promise<void> {
  const socket = connect(port, '127.0.0.1', () => socket.write(text))
  await moment(socket)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.resetAndDestroy()
  await closed
}

/** What a conversation does next: say something, wait for something to be heard, or hang up. */
export type Step = string | RegExp | 'FIN'

/**
 * A conversation in steps: a text is said, a pattern is waited for in what was heard since the last one, 'FIN' closes
 * our side. Returns all that was heard until the other side closed; a date in it is made the same for all.
 */
export function converse(socket: Socket, steps: readonly Step[]): Promise<string> {
  let heard = ''
  let from = 0
  let next = 0
  socket.setEncoding('latin1')
  return new Promise((resolve) => {
    const proceed = () => {
      for (; next < steps.length; next++) {
        const step = steps[next]!
        if (step instanceof RegExp) {
          const found = step.exec(heard.slice(from))
          if (found === null) return
          from += found.index + found[0].length
        } else if (step === 'FIN') socket.end()
        else socket.write(step, 'latin1')
      }
    }
    socket.on('data', (chunk) => {
      heard += chunk
      proceed()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(heard.replace(/^Date: .*$/gm, 'Date: now')))
    socket.once(socket.connecting ? 'connect' : 'resume', proceed)
    socket.resume()
  })
}
