/**
 * convert/azure: federated identity credentials. Entra compares issuer, subject and audience whole, with no patterns and
 * no other claims: whatever the policy asks must be a listed value inside the subject's template, and nothing else may be.
 */
import type { Policy, PolicyIssuer } from '../../policy.ts'
import { Cannot } from '../cannot.ts'
import { type Piece, piecesOf } from '../pieces.ts'
import { chosen, type ExportChoice, forEach, githubOf, lifetime, settingOf } from '../targets.ts'
import { claimsIn, subjectsOf } from '../template.ts'

export interface AzureChoice extends ExportChoice {
  readonly audience: string
  readonly issuerUri: string
  readonly subject: readonly string[]
}

export interface AzureTrust {
  readonly client: string
  readonly credentials: readonly {
    readonly name: string
    readonly issuer: string
    readonly subject: string
    readonly audiences: readonly [string]
  }[]
}

/** Credentials of one application, and characters of a subject. */
const MOST_CREDENTIALS = 20
const MOST_CHARACTERS = 600

export function exportAzure(
  policy: Policy,
  choice: AzureChoice,
): { readonly trusts: readonly AzureTrust[]; readonly notes: readonly string[] } {
  const issuer = githubOf(policy)
  const notes: string[] = []
  const trusts = forEach(chosen(policy, 'azure', choice), (target): AzureTrust => {
    const client = settingOf(target, 'client')
    const longer = lifetime(policy, target, 'Azure', choice)
    if (longer !== undefined) notes.push(longer)
    const subjects = [
      ...new Set(
        forEach(piecesOf(policy, issuer, target.name), (piece) =>
          exactSubjects(piece, issuer, choice),
        ).flat(),
      ),
    ]
    if (subjects.length > MOST_CREDENTIALS)
      throw new Cannot(
        `target \`${target.name}\`: ${subjects.length} subjects; an application has ${MOST_CREDENTIALS} credentials at most`,
      )
    const credentials = subjects.map((subject, at) => ({
      name: `${target.name.replaceAll(/[^A-Za-z0-9_-]/g, '-')}-${at + 1}`,
      issuer: choice.issuerUri,
      subject,
      audiences: [choice.audience] as const,
    }))
    return { client, credentials }
  })
  return { trusts, notes }
}

function exactSubjects(piece: Piece, issuer: PolicyIssuer, { subject }: AzureChoice): readonly string[] {
  const where = `grant \`${piece.grant.name}\``
  const told = claimsIn(subject)
  const untold = [...piece.tests.keys()].find((claim) => !told.has(claim))
  if (untold !== undefined)
    throw new Cannot(
      `${where}: Azure sees the subject only, and \`${untold}\` is not in it (--subject ${subject.join(',')})`,
    )
  const forms = subjectsOf(subject, piece, issuer)
  const open = subject.find((key) => key !== 'repo' && !piece.tests.has(key))
  if (open !== undefined || forms.some(({ exact }) => !exact))
    throw new Cannot(`${where}: Azure compares the subject whole, and \`${open ?? 'repo'}\` may be anything`)
  const long = forms.find(({ text }) => text.length > MOST_CHARACTERS)
  if (long !== undefined) throw new Cannot(`${where}: a subject is longer than ${MOST_CHARACTERS} characters`)
  return forms.map(({ text }) => text)
}
