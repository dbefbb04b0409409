/** What Vault's JWT method does with a role and a token's claims, as its documentation and its glob library say. */
import type { Claims } from './jobs.ts'

export interface Role {
  readonly bound_subject?: string
  readonly bound_claims_type?: string
  readonly bound_claims?: Readonly<Record<string, unknown>>
}

export function vaultAllows(role: Role, claims: Claims): boolean {
  if (role.bound_subject && role.bound_subject !== claims['sub']) return false
  return Object.entries(role.bound_claims ?? {}).every(([claim, said]) => {
    const value = claims[claim]
    if (value === undefined) return false
    return [said]
      .flat()
      .some((wanted) => (role.bound_claims_type === 'glob' ? glob(String(wanted), value) : wanted === value))
  })
}

/** The pieces between stars one after the other, the first at the start and the last at the end. */
function glob(pattern: string, value: string): boolean {
  const pieces = pattern.split('*')
  const [first = ''] = pieces
  const last = pieces.at(-1) ?? ''
  if (pieces.length === 1) return pattern === value
  if (!value.startsWith(first) || value.length < first.length) return false
  let at = first.length
  for (const piece of pieces.slice(1, -1)) {
    const found = value.indexOf(piece, at)
    if (found === -1) return false
    at = found + piece.length
  }
  return value.length - at >= last.length && value.endsWith(last)
}
