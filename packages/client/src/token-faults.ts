import { jsonObject } from './json.ts'

/** Clocks that differ by less are no fault. */
const slack = 60

/**
 * What is plainly wrong with an identity token, in words, for whoever sent it and was refused. It reads the token and
 * verifies nothing: the broker does, and tells nobody why it refused. Without a plain fault it says what is left.
 * `nowSeconds`: by the broker's clock, which is the one that counts.
 */
export function tokenFaults(token: string, url: string, nowSeconds: number | undefined): readonly string[] {
  const faults = brokenTokenFaults(token, url, nowSeconds)
  return faults.length > 0 ? faults : [leftOver(claimsOf(token) ?? {})]
}

/** The same; empty when nothing is plainly wrong. */
export function brokenTokenFaults(
  token: string,
  url: string,
  nowSeconds: number | undefined,
): readonly string[] {
  const claims = claimsOf(token)
  if (claims === undefined) return ['What was sent is no identity token (a JWT of three parts).']
  const times = nowSeconds === undefined ? [] : timeFaults(claims, nowSeconds)
  return [...audienceFaults(claims, url), ...times]
}

function leftOver(claims: Claims): string {
  return (
    'Nothing is plainly wrong with the token. Each can be used once: ask the platform for a new one for each exchange. ' +
    `Otherwise the broker does not trust its issuer, ${issuerOf(claims)}, or its job has ended; the operator finds the reason by the error id.`
  )
}

type Claims = Readonly<Record<string, unknown>>

function audienceFaults({ aud }: Claims, url: string): readonly string[] {
  if (aud === url || (Array.isArray(aud) && aud.length === 1 && aud[0] === url)) return []
  const said = typeof aud === 'string' ? aud : JSON.stringify(aud ?? 'nothing')
  return [`The token is for ${short(said)}. Ask the platform for one whose audience is exactly ${url}`]
}

function timeFaults({ exp, nbf, iat }: Claims, now: number): readonly string[] {
  const begins = Math.max(...[nbf, iat].map((time) => (typeof time === 'number' ? time : 0)))
  if (begins > now + slack) {
    return [
      `The token begins ${Math.round(begins - now)} s from now by the broker's clock, which must be wrong.`,
    ]
  }
  if (typeof exp === 'number' && exp < now - slack) {
    const ago = Math.round(now - exp)
    return [
      `The token ended ${ago} s ago by the broker's clock. Ask for a new one; if it is new, that clock is wrong.`,
    ]
  }
  return []
}

function issuerOf({ iss }: Claims): string {
  return typeof iss === 'string' ? short(iss) : 'which it does not name'
}

function short(text: string): string {
  return text.length > 200 ? `${text.slice(0, 199)}…` : text
}

function claimsOf(token: string): Claims | undefined {
  const [, payload, signature, ...more] = token.split('.')
  if (payload === undefined || signature === undefined || more.length > 0) return undefined
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (letter) =>
      letter.charCodeAt(0),
    )
    return jsonObject(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}
