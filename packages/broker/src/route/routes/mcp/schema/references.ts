import { isObject } from '../message.ts'
import { type Cost, pay, Untold } from './cost.ts'

/**
 * The part of a schema that a `$ref` names (RFC 6901 as a fragment): of this very schema, because nothing is fetched. Throws
 * `Untold` for any other.
 */
export function referred(root: unknown, says: unknown, cost: Cost): unknown {
  if (typeof says !== 'string' || !/^#(?:\/|$)/.test(says))
    throw new Untold('it has a reference that is not followed here')
  pay(cost, says.length / 32)
  let at = root
  for (const step of stepsIn(says)) {
    at = partOf(at, step)
    if (at === undefined) throw new Untold('it refers to what it does not have')
  }
  return at
}

function partOf(whole: unknown, step: string): unknown {
  if (Array.isArray(whole)) return /^[0-9]+$/.test(step) ? whole[Number(step)] : undefined
  return isObject(whole) && Object.hasOwn(whole, step) ? whole[step] : undefined
}

function stepsIn(fragment: string): readonly string[] {
  const [, ...steps] = fragment.split('/')
  try {
    return steps.map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'))
  } catch {
    throw new Untold('it has a reference that is none')
  }
}
