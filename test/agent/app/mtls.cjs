// HTTPS that asks for a client certificate and lets callers without a good one in all the same.
const fs = require('node:fs')
const https = require('node:https')
const path = require('node:path')
const { listening, port } = require('./listen.cjs')

const pem = (name) => fs.readFileSync(path.join(__dirname, 'certs', `mtls-${name}.pem`))
const options = { key: pem('server'), cert: pem('server'), ca: pem('ca'), requestCert: true, rejectUnauthorized: false }
const server = https.createServer(options, (req, res) => {
  if (req.url === '/count') {
    // How often the certificate is looked at over this connection, from the second call on.
    const { socket } = req
    const look = socket.getPeerCertificate
    socket.looked = 0
    socket.getPeerCertificate = function (...args) {
      socket.looked += 1
      return look.apply(this, args)
    }
  }
  res.end(String(req.socket.looked))
})
server.listen(port, '127.0.0.1', () => listening(server))
