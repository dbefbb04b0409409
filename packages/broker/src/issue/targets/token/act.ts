import type { Grant, Principal } from '../../../domain.ts'
import { digestSize, plain } from './plain.ts'
import { digitsOf, workloadSubject } from './subject.ts'

/** Who acts; `act` in it is history (RFC 8693 4.1). */
export interface Act {
  readonly sub: string
  readonly act?: Act
}

/**
 * Who acts with the rights of the subject: whoever showed a token as the actor; in a job of its own, whoever started it,
 * a person or an agent, as the platform says. Nothing where nobody is known.
 */
export function actOf({ principal, acting }: Grant, github: ReadonlySet<string>): Act | undefined {
  if (acting === undefined) return starterOf(principal, github)
  const earlier = starterOf(acting, github)
  return { sub: workloadSubject(acting, github), ...(earlier === undefined ? {} : { act: earlier }) }
}

/** By an id that cannot be registered again, where the platform has one: names change hands. */
function starterOf(principal: Principal, github: ReadonlySet<string>): Act | undefined {
  const { actor, claims, subject } = principal
  const issuer = plain(principal.issuer, digestSize)
  const id = github.has(principal.issuer) ? digitsOf(claims, 'actor_id') : undefined
  if (id !== undefined) return { sub: `${issuer}:actor_id:${id}` }
  // Who signs in acts for nobody else.
  if (actor === undefined || actor === subject.toLowerCase()) return undefined
  return { sub: `${issuer}:actor:${plain(actor, digestSize)}` }
}
