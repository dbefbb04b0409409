import { z } from 'zod'
import { Failure } from '../../../base/failure.ts'
import { Secret } from '../../../base/secret.ts'

/** What was asked for. */
export interface Wish {
  readonly audience: string
  readonly scopes: readonly string[]
}

/** A token that is what was asked for, or less. Seconds since 1970. */
export interface Given {
  readonly token: Secret
  /** It works until here for certain. */
  readonly endsAt: number
  /** It may work until here: by Auth0's clock, or by ours. */
  readonly worksUntil: number
}

/** RFC 6749 5.1. A lifetime is 30 days at most at Auth0. */
const answer = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{1,32768}$/),
  token_type: z.string().regex(/^bearer$/i),
  expires_in: z.number().int().min(1).max(2_592_000),
  scope: z.string().max(32_768).optional(),
})

/** What an API reads in it. Tokens of Auth0 for an API are JWTs, unless the API has them encrypted. */
const claims = z.object({
  aud: z.union([z.string(), z.array(z.string())]),
  exp: z.number(),
  scope: z.string().optional(),
  permissions: z.array(z.string()).optional(),
})

/**
 * Compares an answer with the wish. `askedAt`, `now`: seconds since 1970, before and after. Throws `target_refused` for
 * a token that is wider, `provider_unavailable` for an answer that is none.
 */
export function judge(json: unknown, wish: Wish, askedAt: number, now: number): Given {
  const parsed = answer.safeParse(json)
  if (!parsed.success) {
    const member = parsed.error.issues[0]?.path.join('.') ?? ''
    throw new Failure('provider_unavailable', {
      reason: `Auth0 gives an answer without a readable ${member}`,
    })
  }
  const { access_token: token, expires_in: seconds, scope } = parsed.data
  const inside = claimsOf(token)
  const known = inside === undefined ? scope : (scope ?? '')
  // Who asks for no scope at Auth0 gets all that the application may have.
  if (known === undefined && wish.scopes.length === 0)
    throw refused('whose scopes it does not tell, and none was asked for')
  const allowed = new Set(wish.scopes)
  const given = [...words(known), ...words(inside?.scope), ...(inside?.permissions ?? [])]
  const wider = given.find((each) => !allowed.has(each))
  if (wider !== undefined)
    throw refused(`with ${JSON.stringify(wider.slice(0, 100))}, which was not asked for`)
  if (inside !== undefined && ![inside.aud].flat().includes(wish.audience))
    throw refused('for another audience than the one that was asked for')
  return {
    token: new Secret(token),
    endsAt: askedAt + seconds,
    worksUntil: Math.max(now + seconds, Math.ceil(inside?.exp ?? 0)),
  }
}

function words(scope: string | undefined): readonly string[] {
  return (scope ?? '').split(' ').filter((word) => word !== '')
}

function refused(what: string): Failure {
  return new Failure('target_refused', { reason: `Auth0 gives a token ${what}` })
}

/** Not verified: it came from Auth0 itself. `undefined` for what only the API can read. */
function claimsOf(token: string): z.output<typeof claims> | undefined {
  const [, body, signature, ...more] = token.split('.')
  if (body === undefined || signature === undefined || more.length > 0) return undefined
  try {
    const parsed = claims.safeParse(JSON.parse(Buffer.from(body, 'base64url').toString('utf8')))
    if (parsed.success) return parsed.data
  } catch {
    // Said below.
  }
  throw new Failure('provider_unavailable', { reason: 'Auth0 gives a token that is none' })
}
