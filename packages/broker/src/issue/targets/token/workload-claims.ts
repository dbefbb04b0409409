import type { Grant } from '../../../domain.ts'

const told = ['repository', 'repository_id', 'environment', 'ref', 'run_id'] as const

/** Who gets what, as flat texts: clouds map nothing else to attributes. Too long a value is left out, never cut. */
export function workloadClaims({ leaseId, target, principal }: Grant): Readonly<Record<string, string>> {
  const said = told.flatMap((name) => {
    const value = principal.claims[name]
    return typeof value === 'string' && value !== '' && value.length <= 256 ? [[name, value] as const] : []
  })
  return { ...Object.fromEntries(said), target, lease: leaseId }
}
