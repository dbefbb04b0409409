/**
 * convert/aws: IAM trust policies. STS sees `sub`, `aud` and the claims that AWS lists for GitHub; the others must be in a
 * `sub` of our own template. `*` of IAM crosses every separator, so a pattern comes with what it must not match.
 */
import type { Policy, PolicyIssuer, PolicyTarget } from '../../policy.ts'
import { ignoresCase } from '../bound.ts'
import { Cannot } from '../cannot.ts'
import { type ClaimTest, type Piece, piecesOf } from '../pieces.ts'
import { chosen, type ExportChoice, forEach, githubOf, lifetime, settingOf } from '../targets.ts'
import { claimsIn, subjectsOf } from '../template.ts'
import { workflowsOf } from '../workflow.ts'

export interface AwsChoice extends ExportChoice {
  readonly audience: string
  /** Keys of the organisation's template of `sub`. */
  readonly subject: readonly string[]
  /** Without `https://`. */
  readonly provider: string
}

type Operators = Record<string, Record<string, string | readonly string[]>>

export interface AwsTrust {
  readonly role: string
  readonly document: {
    readonly Version: '2012-10-17'
    readonly Statement: readonly {
      readonly Sid: string
      readonly Effect: 'Allow'
      readonly Principal: { readonly Federated: string }
      readonly Action: 'sts:AssumeRoleWithWebIdentity'
      readonly Condition: Operators
    }[]
  }
}

/** Condition keys that STS fills from a token of GitHub's (since January 2026), of those that a policy may name. */
const visible: ReadonlySet<string> = new Set([
  'repository_id',
  'repository',
  'ref',
  'environment',
  'actor_id',
])
/** Characters of a trust policy, white space left out; the quota may be raised to this. */
const MOST_CHARACTERS = 4096

export function exportAws(
  policy: Policy,
  choice: AwsChoice,
): { readonly trusts: readonly AwsTrust[]; readonly notes: readonly string[] } {
  const issuer = githubOf(policy)
  const notes: string[] = []
  const trusts = forEach(chosen(policy, 'aws_role', choice), (target) => {
    const role = settingOf(target, 'role')
    const longer = lifetime(policy, target, 'AWS', choice)
    if (longer !== undefined) notes.push(longer)
    return trustOf(policy, issuer, target, role, choice)
  })
  return { trusts, notes }
}

function trustOf(
  policy: Policy,
  issuer: PolicyIssuer,
  target: PolicyTarget,
  role: string,
  choice: AwsChoice,
): AwsTrust {
  const [, account] = /^arn:aws[a-z-]*:iam::([0-9]{12}):role\//.exec(role) ?? []
  if (account === undefined) throw new Cannot(`target \`${target.name}\`: \`${role}\` is not a role's ARN`)
  const conditions = forEach(piecesOf(policy, issuer, target.name), (piece) =>
    conditionsOf(piece, issuer, choice),
  ).flat()
  const document: AwsTrust['document'] = {
    Version: '2012-10-17',
    Statement: conditions.map((Condition, at) => ({
      Sid: `Mayfly${at + 1}`,
      Effect: 'Allow',
      Principal: { Federated: `arn:aws:iam::${account}:oidc-provider/${choice.provider}` },
      Action: 'sts:AssumeRoleWithWebIdentity',
      Condition,
    })),
  }
  if (JSON.stringify(document).length > MOST_CHARACTERS)
    throw new Cannot(
      `target \`${target.name}\`: the trust policy is longer than ${MOST_CHARACTERS} characters`,
    )
  return { role, document }
}

/** One block of conditions for each workflow that the piece names: an operator has a key once. */
function conditionsOf(piece: Piece, issuer: PolicyIssuer, choice: AwsChoice): readonly Operators[] {
  const inSubject = claimsIn(choice.subject)
  const base = new Block(choice.provider)
  base.add('StringEquals', 'aud', [choice.audience])
  const subjects = subjectsOf(choice.subject, piece, issuer)
  base.add(
    subjects.every(({ exact }) => exact) ? 'StringEquals' : 'StringLike',
    'sub',
    subjects.map(({ text }) => text),
  )
  for (const [claim, tests] of piece.tests) {
    if (claim.startsWith('workflow.')) continue
    if (visible.has(claim)) for (const test of tests) addTest(base, claim, test, piece)
    else if (!inSubject.has(claim))
      throw new Cannot(
        `grant \`${piece.grant.name}\`: AWS does not see \`${claim}\`; add it to the subject: --subject ${[...choice.subject, claim].join(',')}`,
      )
  }
  const workflows = workflowsOf(piece)
  if (workflows === undefined) return [base.made]
  if (workflows === 'missing') return [base.and((block) => block.add('Null', 'job_workflow_ref', ['true']))]
  return workflows.map(({ path, ref }) =>
    base.and((block) =>
      addLike(
        block,
        'job_workflow_ref',
        ref === undefined ? `${path}@` : `${path}@${ref}`,
        ref === undefined,
      ),
    ),
  )
}

function addTest(block: Block, claim: string, test: ClaimTest, piece: Piece): void {
  if (test.is === 'missing') block.add('Null', claim, ['true'])
  else if (test.is === 'present') block.add('StringLike', claim, ['?*'])
  else if (test.is === 'exact') block.add('StringEquals', claim, test.values.map(plain))
  else if (test.is === 'like') addLike(block, claim, test.glob)
  else {
    if (test.values.some((value) => value.includes('*')))
      throw new Cannot(`grant \`${piece.grant.name}\`: AWS cannot say \`not\` of a pattern of \`${claim}\``)
    if (piece.tests.get(claim)?.every(({ is }) => is === 'not')) block.add('StringLike', claim, ['?*'])
    // Refuses other spellings too: who writes `PRODUCTION` must not get around `not: production`. Of a ref case counts.
    const operator = ignoresCase(claim) ? 'StringNotEqualsIgnoreCase' : 'StringNotEquals'
    block.add(operator, claim, test.values.map(plain))
  }
}

/** Where a wildcard must not cross a separator, whatever would have crossed it is not liked. */
function addLike(block: Block, claim: string, glob: string, more = false): void {
  plain(glob.replaceAll('*', ''))
  const segments = glob.split(/([/:@])/)
  const likes = segments.map((segment) => (segment === '*' || segment === '**' ? '?*' : segment))
  block.add('StringLike', claim, [`${likes.join('')}${more ? '?*' : ''}`])
  const none = segments.flatMap((segment, at) =>
    segment.includes('*')
      ? [...(segment === '**' ? ':@' : '/:@')].map((letter) => {
          const crossed = segment === '**' ? `*${letter}*` : segment.replace('*', `*${letter}*`)
          return [...likes.slice(0, at), crossed, ...likes.slice(at + 1)].join('') + (more ? '*' : '')
        })
      : [],
  )
  if (none.length > 0) block.add('StringNotLike', claim, none)
}

/** IAM reads `*`, `?` and `${...}` in values. */
function plain(value: string): string {
  if (/[*?$]/.test(value)) throw new Cannot(`AWS would read \`${value}\` as a pattern or a variable`)
  return value
}

class Block {
  readonly made: Operators = {}
  readonly #provider: string

  constructor(provider: string) {
    this.#provider = provider
  }

  /** An operator's values of one key are alternatives, so a second saying of a kind would widen the first. */
  add(operator: string, claim: string, values: readonly string[]): void {
    const key = `${this.#provider}:${claim}`
    const row = this.made[operator] ?? {}
    this.made[operator] = row
    const negative = operator.includes('Not')
    if (row[key] !== undefined && !negative && JSON.stringify(row[key]) !== JSON.stringify(oneOrAll(values)))
      throw new Cannot(`AWS cannot say two things of \`${claim}\` at once`)
    const before = row[key] === undefined || !negative ? [] : [row[key]].flat()
    row[key] = oneOrAll([...new Set([...before, ...values])])
  }

  and(more: (block: Block) => void): Operators {
    const next = new Block(this.#provider)
    for (const [operator, row] of Object.entries(this.made)) next.made[operator] = { ...row }
    more(next)
    return next.made
  }
}

function oneOrAll(values: readonly string[]): string | readonly string[] {
  return values.length === 1 ? (values[0] ?? '') : values
}
