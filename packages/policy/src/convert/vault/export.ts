/**
 * convert/vault: roles of the JWT method. A role's `bound_claims` are listed values or globs whose `*` crosses every
 * separator; it cannot ask that a claim is absent, nor that it is not a value. A role for each alternative.
 */
import { anyLetter, lettersIn, type Step, sequence } from '../../automaton.ts'
import { compileGlob } from '../../glob.ts'
import { contains, fromAutomaton, inter } from '../../lang.ts'
import { type Policy, type PolicyIssuer, wholeOf } from '../../policy.ts'
import { Cannot } from '../cannot.ts'
import { type ClaimTest, type Piece, piecesOf } from '../pieces.ts'
import { chosen, type ExportChoice, forEach, githubOf } from '../targets.ts'
import { workflowsOf } from '../workflow.ts'

export interface VaultChoice extends ExportChoice {
  readonly audience: string
}

export interface VaultRole {
  readonly name: string
  readonly role: {
    readonly role_type: 'jwt'
    readonly user_claim: 'repository'
    readonly bound_audiences: readonly [string]
    readonly bound_claims_type: 'string' | 'glob'
    readonly bound_claims: Readonly<Record<string, readonly string[]>>
    readonly token_policies: readonly [string]
    readonly token_ttl: number
    readonly token_max_ttl: number
    readonly token_no_default_policy: true
  }
}

/** `*` of Vault's globs: any text, of no letters too. */
function globLang(glob: string) {
  const steps = [...glob].map(
    (each): Step =>
      each === '*' ? { letters: anyLetter, repeated: true } : { letters: lettersIn(each), repeated: false },
  )
  return fromAutomaton(sequence(steps))
}

export function exportVault(policy: Policy, choice: VaultChoice): { readonly roles: readonly VaultRole[] } {
  const issuer = githubOf(policy)
  const roles = forEach(chosen(policy, undefined, choice), (target) => {
    const pieces = piecesOf(policy, issuer, target.name)
    return forEach(pieces, (piece) => piece).map((piece, at): VaultRole => {
      const bound = boundOf(piece, issuer)
      const seconds = Math.min(piece.grant.seconds, target.maxSeconds)
      return {
        name: pieces.length === 1 ? target.name : `${target.name}-${at + 1}`,
        role: {
          role_type: 'jwt',
          user_claim: 'repository',
          bound_audiences: [choice.audience],
          bound_claims_type: Object.values(bound).some((values) =>
            values.some((value) => value.includes('*')),
          )
            ? 'glob'
            : 'string',
          bound_claims: bound,
          token_policies: [target.name],
          token_ttl: seconds,
          token_max_ttl: seconds,
          token_no_default_policy: true,
        },
      }
    })
  }).flat()
  return { roles }
}

function boundOf(piece: Piece, issuer: PolicyIssuer): VaultRole['role']['bound_claims'] {
  const bound: Record<string, readonly string[]> = {}
  for (const [claim, tests] of piece.tests) {
    if (claim.startsWith('workflow.')) continue
    const [test, second] = tests
    if (test === undefined) continue
    if (second !== undefined) throw cannot(piece, claim, 'more than one condition of a claim')
    bound[claim] = valuesOf(claim, test, piece, issuer)
  }
  const workflows = workflowsOf(piece)
  if (workflows === 'missing') throw cannot(piece, 'workflow', 'that a claim is missing')
  if (workflows !== undefined) {
    if (workflows.some(({ path, ref }) => ref === undefined || `${path}${ref}`.includes('*')))
      throw cannot(piece, 'workflow', 'a pattern that stops at a separator')
    bound['job_workflow_ref'] = workflows.map(({ path, ref }) => `${path}@${ref}`)
  }
  return bound
}

function valuesOf(claim: string, test: ClaimTest, piece: Piece, issuer: PolicyIssuer): readonly string[] {
  if (test.is === 'exact') {
    if (test.values.some((value) => value.includes('*'))) throw cannot(piece, claim, 'a value with `*` in it')
    return test.values
  }
  if (test.is === 'missing') throw cannot(piece, claim, 'that a claim is missing')
  if (test.is === 'not') throw cannot(piece, claim, '`not`')
  if (test.is === 'present') throw cannot(piece, claim, 'any value, but some')
  const glob = test.glob.replaceAll('**', '*')
  const meant = inter(wholeOf(issuer, claim), globLang(glob))
  if (!contains(compileGlob(test.glob), meant))
    throw cannot(piece, claim, 'a pattern that stops at a separator')
  return [glob]
}

function cannot({ grant }: Piece, claim: string, what: string): Cannot {
  return new Cannot(`grant \`${grant.name}\`: Vault cannot ask for ${what} (\`${claim}\`)`)
}
