import { schemas } from '@mayfly/policy/read/issuers'
import { id, text, uuid, word } from '@mayfly/policy/schema/domain'
import type { ClaimParts, ClaimSchema, IssuerSchema, Shorthand } from '@mayfly/policy/schema/schema'
import { codes, page, table } from './page.ts'

/** What owners of a shared issuer are called on its platform. */
const owners: Readonly<Record<string, string>> = {
  github: 'organisations and users, by name; the lock has their ids',
  gitlab: 'namespaces (groups, subgroups, users), by id',
  buildkite: 'organisations, by slug',
  circleci: 'organisations, by id',
  terraform: 'organisations, by id',
}

const domains = new Map([
  [id, 'digits'],
  [uuid, 'a UUID in lower case'],
  [word, 'letters, digits, `-`, `_`'],
  [text, 'any text'],
])

/** The claims of every kind of issuer. */
export function policyClaimsPage(): string {
  return page('Claims of each kind of issuer', [
    'What conditions of a policy can name, by the `kind` of their issuer. An issuer named after its kind needs no `kind`.',
    'Any other key is an error. A claim that may be missing matches only where it is there, unless `or_absent: true` or',
    '`absent: true` say otherwise. A token that lacks any other claim, with a value that is not listed here, or with a list or',
    'an object in place of a text is refused whatever the policy says.',
    '',
    ...[...schemas.values()].flatMap(section),
    'How policies are written: [a policy in five minutes](../guide/policy.md); one for each platform:',
    '[issuers](../guide/issuers.md).',
  ])
}

/** Claims that a policy declares whole may be lists. */
const listRow = [
  '`NAME`, a list of texts',
  'the declared values: one, one of `[several]`, or `{ all: [...] }`',
  'respected',
  'yes',
  'declared under `claims` as `{ NAME: [values] }`',
]

function section(schema: IssuerSchema): string[] {
  const { kind, claims, properties, parts, refused } = schema
  const typical = schema.typical(new Map(), new Map())
  const rows = [...claims.values()].map((claim) => claimRow(claim, typical.get(claim.name), schema))
  const declared =
    properties === undefined
      ? []
      : [
          [
            `\`${properties.prefix}NAME\``,
            'any text',
            'respected',
            'yes',
            `declared under \`${properties.key}\``,
          ],
          ...(properties.key === 'claims' ? [listRow] : []),
        ]
  const facts = [
    ...(parts.tenant === undefined ? [] : [`\`owners\`: ${owners[kind]}. No grant reaches beyond them.`]),
    ...eventFacts(parts, schema),
    `A grant limits one of: ${parts.identities.length === 0 ? 'the declared claims' : codes(wordsOf(parts.identities, schema))}.`,
    ...(parts.pins.length === 0
      ? []
      : [`What writes also limits one of: ${codes(wordsOf(parts.pins, schema))}.`]),
    ...(parts.origin === undefined
      ? []
      : [`What writes also limits ${codes(wordsOf([parts.origin], schema))}.`]),
  ]
  return [
    `## \`${kind}\``,
    '',
    ...table(['claim', 'values', 'case', 'may be missing', 'short'], [...rows, ...declared]),
    '',
    ...facts.map((fact) => `- ${fact}`),
    '',
    ...table(
      ['refused', 'why', 'instead'],
      [...refused].map(([name, { message, hint }]) => [
        `\`${name}\``,
        message.replace(`\`${name}\` `, ''),
        hint.replaceAll(/(\w+): \{ .*? \}/g, (said) => `\`${said}\``),
      ]),
    ),
    '',
  ]
}

function claimRow(claim: ClaimSchema, usual: string | undefined, schema: IssuerSchema): string[] {
  const listed = [...claim.domain.plus]
  const example = usual === undefined ? 'text' : `such as \`${usual}\``
  const values = listed.length > 0 ? codes(listed) : (domains.get(claim.domain) ?? example)
  const keys = [...schema.shorthands].filter(([, short]) => means(short, claim.name)).map(([key]) => key)
  return [
    `\`${claim.name}\``,
    values,
    claim.folded ? 'ignored' : 'respected',
    claim.optional ? 'yes' : 'no',
    keys.length === 0 ? '' : codes(keys.map((key) => `${key}:`)),
  ]
}

function means(short: Shorthand, claim: string): boolean {
  if (short.to === 'workflow') return claim.startsWith('workflow.')
  return short.claim === claim || short.patternClaim === claim
}

function wordsOf(claims: readonly string[], { shorthands }: IssuerSchema): ReadonlySet<string> {
  return new Set(
    claims.flatMap((claim) => {
      const keys = [...shorthands].filter(([, short]) => means(short, claim)).map(([key]) => key)
      return keys.length === 0 ? [claim] : keys
    }),
  )
}

function eventFacts({ event }: ClaimParts, schema: IssuerSchema): readonly string[] {
  if (event === undefined) return []
  const [word = ''] = wordsOf([event.claim], schema)
  return [
    `A grant that names no \`${word}\` is for ${codes(event.standard)}.`,
    ...(event.outsider.length === 0
      ? []
      : [`Caused by people without write access, so never what writes: ${codes(event.outsider)}.`]),
    ...(event.proposal.length === 0
      ? []
      : [`Run what somebody proposes, so never what writes to production: ${codes(event.proposal)}.`]),
  ]
}
