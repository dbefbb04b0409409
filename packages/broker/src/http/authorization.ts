import { Secret } from '../base/secret.ts'

/** The credentials of an `Authorization` header that these doors understand. */
export type Authorization =
  | { readonly scheme: 'Basic'; readonly name: string; readonly passwords: readonly string[] }
  | { readonly scheme: 'Bearer'; readonly token: string }

/** `undefined` when there is none, or none that could be right. Never throws. */
export function readAuthorization(header: string | undefined): Authorization | undefined {
  const match = /^(basic|bearer) +([A-Za-z0-9._~+/-]+=*)$/i.exec(header ?? '')
  const value = match?.[2]
  if (match === null || value === undefined) return undefined
  if (match[1]?.toLowerCase() === 'bearer') return { scheme: 'Bearer', token: value }
  const text = Buffer.from(value, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon === -1) return undefined
  // RFC 6749 2.3.1 form-encodes both halves; curl and most others do not. Names need no encoding either way.
  const sent = text.slice(colon + 1)
  return { scheme: 'Basic', name: text.slice(0, colon), passwords: [sent, decoded(sent)] }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

/** Compared when the name is unknown, so that an unknown name takes as long as a wrong secret. */
const nobody = new Secret('')

/** True when one of `given` is `secret`; a missing secret costs the same and is never right. */
export function isRight(secret: Secret | undefined, given: readonly string[]): boolean {
  const matches = given.filter((each) => (secret ?? nobody).equals(each))
  return secret !== undefined && matches.length > 0
}
