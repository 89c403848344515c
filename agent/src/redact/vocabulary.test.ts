import { describe, expect, test } from 'vitest'
import { ALLOWED, Names, RULE } from './names.ts'
import { judgeName, wordsOf } from './vocabulary.ts'

const judged = (name: string) => judgeName(wordsOf(name))

describe('names', () => {
  test.each(
    (
      'password userPassword USER_PASSWORD user-password new_password1 passwordHash passwd db_pass pwd user_pwd passphrase ' +
      'secret client-secret clientSecret CLIENT.SECRET secretKey aws_secret_access_key token access_token accessToken accesstoken ' +
      'refresh-token X-Auth-Token csrfToken id_token tokens access_tokens sessionToken jwt bearer apiKey api_key x-api-key apikey ' +
      'APIKey private_key privateKey signing-key subscriptionKey authorization auth basic_auth proxy-authorization credentials ' +
      'cardNumber card_number creditCard credit_card_number cvv CVV2 cvc card_cvc csc ssn SSN userSSN ssn_number iban IBAN iban_code ' +
      'pin PIN pinCode card_pin user.pin otp otpCode totp session sessionId session_id PHPSESSID JSESSIONID connect.sid sid cookie ' +
      'accountNumber bank_account routing_number passport passportNumber driver_license nationalId tax_id signature X-Amz-Signature ' +
      'user[password] ｐａｓｓｗｏｒｄ mot_de_passe Passwort contraseña 密码 パスワード verification_code securityAnswer recovery_codes'
    ).split(' '),
  )('%s is a secret', (name) => {
    expect(judged(name)).toBeDefined()
  })

  test.each(
    (
      'id name title description author authors keyboard passenger passengers tokens_used max_tokens total_tokens totalTokens ' +
      'completion_tokens token_type tokenType token_count tokenizer expires_in password_changed_at password_policy pinned shipping ' +
      'spinning pin_color compass bypass passed secretary secretariat authenticated authority key keys monkey primary_key publicKey ' +
      'sort_key foreignKey idempotency-key session_count sessions card cards scorecard discard accession classname business lesson ' +
      'panel company span panda japan otpimal hotpot cotopaxi signal assign sidebar inside cookie_consent email phone address zip'
    ).split(' '),
  )('%s is none', (name) => {
    expect(judged(name)).toBeUndefined()
  })

  test('words', () => {
    expect(wordsOf('X-Auth-Token')).toEqual(['x', 'auth', 'token'])
    expect(wordsOf('SSNNumber')).toEqual(['ssn', 'number'])
    expect(wordsOf('userAPIKey2')).toEqual(['user', 'api', 'key'])
    expect(wordsOf('pass\u200bword')).toEqual(['password'])
    expect(wordsOf('')).toEqual([])
  })

  test("the user's names match whole, in any style, and are told apart from allowed ones", () => {
    const names = new Names(['nick-name'], ['created_at'])
    expect(names.rules[names.verdictOf('NickName') & RULE]).toBe('option:nickname')
    expect(names.verdictOf('nicknames') & RULE).toBe(0)
    expect(names.verdictOf('createdAt') & ALLOWED).toBe(ALLOWED)
    const bytes = Buffer.from('x.nick_name.y')
    for (let i = 0; i < 2; i++) expect(names.verdict(bytes, 2, 11) & RULE).toBe(names.number('option:nickname'))
  })

  test('names with escapes are read without them', () => {
    const names = new Names([], [])
    for (const name of [
      'pass%77ord',
      'pass%2577ord',
      'pass\\u0077ord',
      'pass&#119;ord',
      'pass&#x77;ord',
      '\\npassword',
      '\\npin',
      '\\token',
    ]) {
      expect(names.verdictOf(name) & RULE, name).not.toBe(0)
    }
  })
})
