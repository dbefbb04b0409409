/**
 * convert/gcp: providers of a workload identity pool. Each target has a provider of its own, whose condition (CEL) sees
 * every claim, and which says of whom it lets in nothing but the target's name: that is what the service account trusts.
 */
import type { Policy, PolicyIssuer } from '../../policy.ts'
import { foldAscii } from '../../schema/fold.ts'
import { Cannot } from '../cannot.ts'
import { type ClaimTest, type Piece, piecesOf } from '../pieces.ts'
import { chosen, type ExportChoice, forEach, githubOf, lifetime, settingOf } from '../targets.ts'
import { workflowsOf } from '../workflow.ts'

export interface GcpChoice extends ExportChoice {
  readonly audience: string
  readonly issuerUri: string
  /** `projects/NUMBER/locations/global/workloadIdentityPools/POOL`; nothing else may fill `attribute.mayfly_target` there. */
  readonly pool: string
}

/** As `gcloud iam workload-identity-pools providers describe` shows it, and who may act as the service account. */
export interface GcpTrust {
  readonly serviceAccount: string
  readonly provider: {
    readonly displayName: string
    readonly attributeMapping: Readonly<Record<string, string>>
    readonly attributeCondition: string
    readonly oidc: { readonly issuerUri: string; readonly allowedAudiences: readonly string[] }
  }
  readonly members: readonly string[]
}

const MOST_CHARACTERS = 4096

export function exportGcp(
  policy: Policy,
  choice: GcpChoice,
): { readonly trusts: readonly GcpTrust[]; readonly notes: readonly string[] } {
  const issuer = githubOf(policy)
  const notes: string[] = []
  const trusts = forEach(chosen(policy, 'gcp_service_account', choice), (target): GcpTrust => {
    const serviceAccount = settingOf(target, 'service_account')
    const longer = lifetime(policy, target, 'Google Cloud', choice)
    if (longer !== undefined) notes.push(longer)
    const pieces = piecesOf(policy, issuer, target.name)
    const attributeCondition = forEach(pieces, (piece) => conditionOf(piece, issuer)).join(' || ')
    if (attributeCondition.length > MOST_CHARACTERS)
      throw new Cannot(
        `target \`${target.name}\`: the condition is longer than ${MOST_CHARACTERS} characters`,
      )
    if (attributeCondition === '') throw new Cannot(`target \`${target.name}\`: no grant gives it to anybody`)
    return {
      serviceAccount,
      provider: {
        displayName: target.name.slice(0, 32),
        attributeMapping: {
          'google.subject': "'repository:' + assertion.repository_id",
          'attribute.mayfly_target': text(target.name),
        },
        attributeCondition,
        oidc: { issuerUri: choice.issuerUri, allowedAudiences: [choice.audience] },
      },
      members: [`principalSet://iam.googleapis.com/${choice.pool}/attribute.mayfly_target/${target.name}`],
    }
  })
  return { trusts, notes }
}

function conditionOf(piece: Piece, issuer: PolicyIssuer): string {
  const tests = [...piece.tests].flatMap(([claim, own]) =>
    claim.startsWith('workflow.') ? [] : own.map((test) => testOf(claim, test, issuer)),
  )
  const workflows = workflowsOf(piece)
  if (workflows === 'missing') tests.push('!has(assertion.job_workflow_ref)')
  else if (workflows !== undefined) {
    const one = workflows.map(
      // Names of repositories ignore case, paths and refs do not.
      ({ path, ref }) => `${pathPattern(path)}@${ref === undefined ? '.+' : pattern(ref, false)}`,
    )
    tests.push(`has(assertion.job_workflow_ref) && ${like('assertion.job_workflow_ref', one)}`)
  }
  return `(${tests.join(' && ')})`
}

function pathPattern(path: string): string {
  const [owner = '', name = '', ...file] = path.split('/')
  return `${pattern(`${owner}/${name}`, true)}/${pattern(file.join('/'), false)}`
}

function testOf(claim: string, test: ClaimTest, issuer: PolicyIssuer): string {
  const name = `assertion.${claim}`
  const known = issuer.schema.claims.get(claim)
  const folded = known?.folded === true
  const optional = known?.optional ?? true
  if (test.is === 'missing') return `!has(${name})`
  const present = optional ? `has(${name}) && ` : ''
  if (test.is === 'present') return `${present}${name} != ''`
  if (test.is === 'exact') return present + listed(name, test.values, folded)
  if (test.is === 'like') return present + like(name, [pattern(test.glob, folded)])
  const globs = test.values.filter((value) => value.includes('*'))
  const values = test.values.filter((value) => !value.includes('*'))
  const none = [
    ...(values.length === 0 ? [] : [`!(${listed(name, values, folded)})`]),
    ...(globs.length === 0
      ? []
      : [
          `!${like(
            name,
            globs.map((glob) => pattern(glob, folded)),
          )}`,
        ]),
  ]
  return `${present}${name} != '' && ${none.join(' && ')}`
}

function listed(name: string, values: readonly string[], folded: boolean): string {
  if (folded)
    return like(
      name,
      values.map((value) => pattern(value, true)),
    )
  return values.length === 1
    ? `${name} == ${text(values[0] ?? '')}`
    : `${name} in [${values.map(text).join(', ')}]`
}

function like(name: string, patterns: readonly string[]): string {
  return `${name}.matches(${text(`^(?:${patterns.join('|')})$`)})`
}

/** RE2. Letters in either case where the claim ignores it: `(?i)` would fold letters that GitHub does not. */
function pattern(glob: string, folded: boolean): string {
  const letter = (each: string) => {
    if (folded && /[a-z]/.test(each)) return `[${each}${each.toUpperCase()}]`
    return /[A-Za-z0-9_/:@ -]/.test(each) ? each : each.replace(/[\\^$.|?*+()[\]{}]/, '\\$&')
  }
  return glob
    .split(/([/:@])/)
    .map((segment) => {
      if (segment === '*') return '[^/:@]+'
      if (segment === '**') return '[^:@]+'
      return [...(folded ? foldAscii(segment) : segment)]
        .map((each) => (each === '*' ? '[^/:@]*' : letter(each)))
        .join('')
    })
    .join('')
}

/** A text of CEL. */
function text(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
