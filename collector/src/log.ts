import pino, { type DestinationStream, type Logger } from 'pino'

/**
 * The collector's log: one JSON line for each event, to standard error. An error is logged as `{ error }` and shows its
 * type, message and stack. No line holds a secret, whatever was logged: the finished line is what is looked at, so that a
 * password inside the message of a foreign library's error is found as well.
 *
 * @param level trace, debug, info, warn, error or silent
 */
export function openLog(level: string, stream: DestinationStream = pino.destination({ fd: 2, sync: true })): Logger {
  const error = pino.stdSerializers.err
  return pino({ level, serializers: { error, err: error }, hooks: { streamWrite: withoutSecrets } }, stream)
}

const rules: readonly [pattern: RegExp, shown: string][] = [
  // Fields by name, at any depth: "authorization":"…", "cookie":["…"].
  [
    /("[\w-]*(?:authorization|password|passwd|secret|token|cookie|api[-_]?key)":)(?:"(?:[^"\\]|\\.)*"|\[[^\]]*\])/gi,
    '$1"[redacted]"',
  ],
  // User and password of a URL; our own messages show how one is written.
  [/\/\/(?!user:password@)[^\s"'/?#<>]*@/g, '//[redacted]@'],
  [/\b([Bb]earer\s+)[\w+/=.~-]{4,}/g, '$1[redacted]'],
  [/\b([Bb]asic\s+)(?=[a-z]*[A-Z0-9+/=])[\w+/=]{4,}/g, '$1[redacted]'],
  // What we make ourselves, and keys of webhooks.
  [/\b(cs_(?:ingest|read|admin|consumer)_)[\w-]+/g, '$1[redacted]'],
  [/\b(whsec_)[A-Za-z0-9+/]+=*/g, '$1[redacted]'],
]

/** The text with every part that looks like a secret left out. */
export function withoutSecrets(text: string): string {
  return rules.reduce((shown, [pattern, instead]) => shown.replace(pattern, instead), text)
}
