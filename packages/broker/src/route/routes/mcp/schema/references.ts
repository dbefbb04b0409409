import { isObject } from '../message.ts'
import { Untold } from './cost.ts'

/**
 * The part of a schema that a `$ref` names (RFC 6901 as a fragment): of this very schema, because nothing is fetched. Throws
 * `Untold` for any other.
 */
export function referred(root: unknown, says: unknown): unknown {
  if (typeof says !== 'string' || !/^#(?:\/|$)/.test(says))
    throw new Untold('it has a reference that is not followed here')
  let at = root
  for (const step of stepsIn(says)) {
    const holder = Array.isArray(at) ? Object.fromEntries(at.entries()) : at
    if (!isObject(holder) || !Object.hasOwn(holder, step))
      throw new Untold('it refers to what it does not have')
    at = holder[step]
  }
  return at
}

function stepsIn(fragment: string): readonly string[] {
  const [, ...steps] = fragment.split('/')
  try {
    return steps.map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'))
  } catch {
    throw new Untold('it has a reference that is none')
  }
}
