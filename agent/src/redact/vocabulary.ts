/** The version of the built-in rules: part of the id that travels with every redacted call. */
export const RULES_VERSION = 1

/** Names that mark a secret wherever they stand in a field name, however it is written: lower case, no separators. */
const ANYWHERE = new Map([
  ...all(
    'password',
    'password passwd passphrase passcode passwort kennwort motdepasse contrasena wachtwoord пароль 密码 密碼 パスワード',
  ),
  ...all('secret', 'secret credential connectionstring'),
  ...all('key', 'apikey accesskey privatekey privkey signingkey encryptionkey authkey sharedkey accountkey'),
  ...all('key', 'storagekey subscriptionkey sshkey clientkey hmackey licensekey passkey recoverykey sessionkey'),
  ...all('key', 'aeskey deploykey servicekey adminkey masterkey'),
  ...all('authorization', 'authorization'),
  ...all('csrf', 'csrf xsrf'),
  ...all('card', 'creditcard debitcard cardnumber cardnum ccnumber ccnum cardverif cardsecurity primaryaccountnumber'),
  ...all('code', 'securitycode verificationcode recoverycode backupcode onetimepass onetimecode securityanswer'),
  ...all('code', 'resetcode confirmationcode activationcode accesscode logincode'),
  ...all('code', 'recoveryphrase seedphrase mnemonic pinblock pincode pinnumber trackdata'),
  ...all('bank', 'bankaccount accountnumber routingnumber'),
  ...all('person', 'socialsecurity socialinsurance nationalinsurance passportn driverlicen driverslicen drivinglicen'),
  ...all('session', 'sessionid phpsessid jsessionid aspsession'),
])

/** Names that would hit innocent ones as a part of a word: they count as a whole word, anywhere in the name. */
const WORDS = new Map([
  ...all('token', 'token jwt bearer'),
  ...all('password', 'pwd'),
  ...all('secret', 'creds'),
  ...all('code', 'otp totp'),
  ...all('card', 'cvv cvc cvn csc ccv'),
  ...all('bank', 'iban'),
  ...all('person', 'ssn passport aadhaar aadhar'),
  ...all('session', 'saml'),
])

/** As the last word only (`user_pin`, but not `pin_color`). */
const LAST = new Map([
  ...all('password', 'pass pw senha haslo hasło'),
  ...all('pin', 'pin'),
  ...all('authorization', 'auth authentication assertion'),
  ...all('signature', 'signature sig'),
  ...all('session', 'session sess sid cookie cookies'),
  ...all('card', 'pan'),
  ...all('person', 'cpf dni bsn nino curp personnummer'),
])

/** As the whole name only. */
const WHOLE = new Map([
  ...all('card', 'cardno ccno'),
  ...all('code', 'authcode mfacode otpcode smscode totpcode twofactorcode 2facode codeverifier pinhash'),
  ...all('authorization', 'authheader authdata authcookie authstring authresponse authhash proxyauth'),
  ...all('token', 'tokenvalue tokenid tokenhash tokenkey'),
  ...all('bank', 'sortcode accountno acctno acctnumber'),
  ...all('person', 'nationalid nationalidnumber taxid taxnumber taxpayerid steuerid codicefiscale fiscalcode'),
])

/** Endings of a joined word that are as good as the word: `accesstoken`, `userpwd`. */
const ENDINGS = new Map([
  ...all('token', 'token'),
  ...all('password', 'pwd'),
  ...all('card', 'cvv'),
  ...all('person', 'ssn'),
])

/** `tokens` alone counts language-model tokens as often as it holds secrets: only with one of these before it. */
const KINDS_OF_TOKENS = new Set(
  'access refresh auth api id bearer session csrf device push user reset invite'.split(' '),
)

/** A name that ends in one of these tells about a secret and holds none: `token_type`, `password_changed_at`. */
const TELLING = new Set(
  (
    'count counts type types length len limit limits usage used uses expiry expires expire expired expiration ttl policy ' +
    'strength required enabled disabled min max size at status valid verified endpoint name method methods mode level ' +
    'version algorithm alg provider scheme index rotation expiresin expirein'
  ).split(' '),
)

/** Members that hold the name, and those that hold the value, of a pair: `{"name": "password", "value": "x"}`. */
const PAIR_NAMES = new Set('name key field fieldname param parameter header attribute property k'.split(' '))
const PAIR_VALUES = new Set('value val values v stringvalue newvalue oldvalue'.split(' '))

function all(rule: string, names: string): [string, string][] {
  return names.split(' ').map((name) => [unaccented(name), rule])
}

/** What the built-in rules say of a field name: the rule that masks its value, or undefined. */
export function judgeName(words: readonly string[]): string | undefined {
  const joined = words.join('')
  const last = words.at(-1)
  if (last === undefined) return undefined
  const rule = secretName(words, joined, last)
  if (rule === undefined) return undefined
  const telling = words.length > 1 && (TELLING.has(last) || TELLING.has(`${words.at(-2)}${last}`))
  return telling ? undefined : rule
}

function secretName(words: readonly string[], joined: string, last: string): string | undefined {
  const whole = WHOLE.get(joined) ?? LAST.get(joined) ?? LAST.get(last)
  if (whole !== undefined) return whole
  for (const word of words) {
    const rule = WORDS.get(word)
    if (rule !== undefined) return rule
    for (const [ending, name] of ENDINGS) if (word.endsWith(ending)) return name
  }
  for (const [needle, name] of ANYWHERE) {
    if (joined.includes(needle) && !(needle === 'secret' && joined.includes('secretar'))) return name
  }
  if (last === 'tokens' && (words.length === 1 || KINDS_OF_TOKENS.has(words.at(-2)!))) return 'token'
  return undefined
}

export function isPairName(words: readonly string[]): boolean {
  return PAIR_NAMES.has(words.join(''))
}

export function isPairValue(words: readonly string[]): boolean {
  return PAIR_VALUES.has(words.join(''))
}

/**
 * The words of a field name in lower case: split at everything that is no letter or digit and at camel case, digits at
 * the end of a word dropped. `X-Auth-Token`, `xAuthToken` and `x_auth_token2` are all `x auth token`.
 */
export function wordsOf(name: string): string[] {
  const text = unaccented(name)
  const words: string[] = []
  let start = -1
  for (let i = 0; i <= text.length; i++) {
    const kind = kindAt(text, i)
    if (start >= 0 && (kind === SEPARATOR || startsWord(text, i, kind))) {
      words.push(trimDigits(text.slice(start, i).toLowerCase()))
      start = -1
    }
    if (start < 0 && kind !== SEPARATOR) start = i
  }
  return words
}

const SEPARATOR = 0
const LOWER = 1
const UPPER = 2
const DIGIT = 3

function kindAt(text: string, at: number): number {
  if (at >= text.length) return SEPARATOR
  const code = text.charCodeAt(at)
  if (code >= 97 && code <= 122) return LOWER
  if (code >= 65 && code <= 90) return UPPER
  if (code >= 48 && code <= 57) return DIGIT
  return code < 0x80 ? SEPARATOR : LOWER
}

/** `userPin` splits before P, `userSSN` before the first S, `SSNNumber` before the last N of the capitals. */
function startsWord(text: string, at: number, kind: number): boolean {
  if (kind !== UPPER) return false
  return kindAt(text, at - 1) !== UPPER || kindAt(text, at + 1) === LOWER
}

function trimDigits(word: string): string {
  let end = word.length
  while (end > 1 && word.charCodeAt(end - 1) >= 48 && word.charCodeAt(end - 1) <= 57) end--
  return word.slice(0, end)
}

/** Full-width letters, accents and invisible characters must not make another name of `password`. */
function unaccented(name: string): string {
  for (let i = 0; i < name.length; i++) {
    if (name.charCodeAt(i) >= 0x80) return name.normalize('NFKD').replace(/[\p{M}\p{Cf}]/gu, '')
  }
  return name
}
