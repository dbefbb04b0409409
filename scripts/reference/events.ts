import type { AuditEvent } from '@mayfly/broker/domain'
import { isUsed, page, table } from './page.ts'

type Type = AuditEvent['type']
type Shape<T extends Type, Each = AuditEvent> = Each extends { readonly type: infer Own }
  ? T extends Own
    ? Each
    : never
  : never

/** Every member of an event has its line, and says whether it is always there: the compiler compares. */
type Members<Event> = {
  readonly [Name in Exclude<keyof Event, 'type'>]-?: object extends Pick<Event, Name>
    ? { readonly sometimes: string }
    : string
}

interface Documented<T extends Type> {
  readonly when: string
  readonly members: Members<Shape<T>>
}

const job = 'the job: `issuer`, and `id` or `run` or both'
const claims = 'the verified claims of the subject token'
const act =
  'who acted with the subject’s rights, where a token of its own showed it: `issuer`, `subject`, `claims`, and `dropped` as in `credential.refused`'
const asked = 'what the caller asked for, as far as it did: `scopes`, `seconds`'
const via = '`token-exchange` or `jwt-bearer`, or the dialect: `octo-sts`, `aws-sts`, `google-sts`, `vault`'

const credential = {
  lease: 'id of the lease, `ls_...`; also the token’s `jti`',
  issuer: 'the issuer’s name in `mayfly.yaml`',
  subject: '`sub` of the subject token',
  target: 'name of the target',
  kind: 'kind of the target, `token`',
  grants: 'names of the grants that said yes',
  scopes: 'scopes that were given',
  seconds: 'the lifetime that the policy gave',
  expires: 'end, seconds since 1970',
  policy: 'digest of the policy that decided',
  via,
  session: { sometimes: 'id of the lease of the session by which it was asked for' },
  act: { sometimes: act },
  asked: { sometimes: asked },
  job: { sometimes: job },
  claims,
}

const route = {
  route: 'name of the route',
  target: 'name of its target',
  action: 'method and path',
  lease: { sometimes: 'id of the lease, once the token was verified' },
  code: { sometimes: 'a code of [errors](errors.md), when it was refused' },
  reason: { sometimes: 'why, when it was refused' },
}

const outcome =
  'what became of it: `status` (HTTP), `error` (SQLSTATE, or the code of JSON-RPC), `rows`, `in` and `out` (bytes of the bodies), `cut` (it did not come to its end), and `ms` since its beginning'

const door = { code: 'a code of [errors](errors.md)', reason: 'why' }

const key = {
  purpose: '`token` (signs credentials) or `log` (signs the log’s head)',
  kid: 'id of the key',
  from: 'for a new key: when it begins to sign; for a retired one: when its successor does; seconds since 1970',
  by: '`start`, `schedule` or `operator`',
}

const secret = 'name of the secret, as in `connections.secret`'
const wrap = 'whose key wraps the key of its envelope: `master key`, or the kind of KMS and the id of its key'
const operator = '`operator`'

const digest = 'SHA-256 over names and bytes of its files, hexadecimal'
const broker = { url: 'the broker’s `url`', version: 'its version' }

const held = {
  route: 'name of the route',
  target: 'name of the target',
  action: 'method and path, without the query',
  lease: 'id of the lease',
  approval: 'id by which whoever was asked knows it, `ap_...`',
  by: { sometimes: 'who approved it, in their own words' },
  seconds: { sometimes: 'how long it waited until it was approved' },
}

const turned = {
  of: '`target`, `issuer`, `repository` or `actor`',
  name: 'its name; a repository or an actor in lower case',
  reason: { sometimes: 'the operator’s own words' },
}

const events: { readonly [T in Type]: Documented<T> } = {
  'credential.issued': {
    when: 'A credential was handed over. Durable before the caller gets it.',
    members: credential,
  },
  'credential.pending': {
    when: 'A credential is about to be made in another system; `credential.issued` follows when it was. The kind `token` needs none.',
    members: credential,
  },
  'session.opened': {
    when: 'A caller of a dialect that logs in first did so. Its token opens nothing by itself: each credential that is asked for by it is decided and has entries of its own.',
    members: {
      lease: 'id of the lease that the session is',
      issuer: credential.issuer,
      subject: credential.subject,
      role: { sometimes: 'the name that the caller gave; it means nothing here' },
      expires: credential.expires,
      via,
      job: { sometimes: job },
      claims,
    },
  },
  'credential.refused': {
    when: 'An exchange was refused.',
    members: {
      code: door.code,
      reason: 'why, for the operator',
      via,
      issuer: { sometimes: 'as in `credential.issued`, once the token was verified' },
      subject: { sometimes: 'as in `credential.issued`, once the token was verified' },
      target: { sometimes: 'what was asked for: a target’s name, or the `resource`' },
      act: { sometimes: act },
      job: { sometimes: job },
      asked: { sometimes: `${asked}, once the token was verified` },
      policy: { sometimes: 'digest of the policy that decided, once the token was verified' },
      decision: {
        sometimes:
          'the policy’s own word, when it was the policy that refused: `intake`, `profile`, `unknown_target`, `denied`, `no_grant`, `scope` or `guardrail`',
      },
      claims: { sometimes: `${claims}: those that the policy reads, and some that name the job` },
      dropped: {
        sometimes:
          'names of the claims that the token has beside those; absent when they are too many as well',
      },
      token: { sometimes: 'fingerprint of a token that could not be verified' },
    },
  },
  'lease.ended': {
    when: 'A lease ended, or its credential could not be taken back yet (`stuck`).',
    members: {
      lease: 'id of the lease',
      target: 'name of the target',
      state: '`revoked`, `expired` or `stuck`',
      by: '`expired`, `caller`, `job_end`, `operator`, `policy` (the one in force would not give it), `switch` or `failed`',
      detail: { sometimes: 'in words; why it could not be taken back, why the policy would not give it' },
      late: { sometimes: 'seconds after its time; where those are many and it could still be used' },
      job: { sometimes: job },
    },
  },
  'job.ended': {
    when: 'A job ended: no later exchange for it succeeds.',
    members: {
      job,
      via: '`github-webhook`, or `github-asked` where no webhook came',
      leases: 'how many leases ended with it',
    },
  },
  'switch.off': {
    when: 'An operator switched something off: nothing more is issued for it, and what was ends (each has its `lease.ended`).',
    members: turned,
  },
  'switch.on': { when: 'An operator switched it on again.', members: turned },
  'webhook.refused': {
    when: 'A webhook without a right signature arrived.',
    members: { via: '`github-webhook`', reason: 'why' },
  },
  'route.admitted': { when: 'The first request of a token on a route was let in.', members: route },
  'route.refused': {
    when: 'A route refused a request. One whose form is unfit is in the broker’s own log only.',
    members: route,
  },
  'route.held': {
    when: 'A call waits until somebody approves it. `route.approved` or `route.refused` follows.',
    members: held,
  },
  'route.approved': {
    when: 'It was approved, and is about to be forwarded.',
    members: held,
  },
  'route.request': {
    when: 'A route carried a request, a statement or a call of a tool, and its target says `record: best_effort` or `required`. With `required` it is durable before anything is forwarded. No value of the caller’s is in it.',
    members: {
      route: route.route,
      target: route.target,
      lease: 'id of the lease',
      job: { sometimes: job },
      carried:
        '`kind` and what it is: `http` (`method`, `path`, `query`: names of parameters), `statement` (`text`, constants as `?`) or `tool` (`server`, `method`, and of a call `tool` and `arguments`: their names)',
      outcome: { sometimes: `${outcome}; with \`best_effort\`` },
    },
  },
  'route.answered': {
    when: 'What a target with `record: required` answered to a request. Written behind the answer.',
    members: {
      request: 'id of the entry of the request',
      target: route.target,
      lease: 'id of the lease',
      outcome,
    },
  },
  'requests.lost': {
    when: 'Requests whose target asks for entries have none: more came than may be written, or the store was away for too long. At most one a minute.',
    members: {
      from: 'seconds since 1970, of the first',
      until: 'and of the last',
      counts: 'how many, by target; an answer counts too',
    },
  },
  'introspection.refused': { when: 'A caller that may not ask was refused at `/introspect`.', members: door },
  'audit.refused': {
    when: 'A caller without the reader’s secret asked for entries of the log.',
    members: door,
  },
  'refusals.summed': {
    when: 'There were more refusals than have entries of their own. At most one a minute.',
    members: {
      from: 'seconds since 1970, of the first',
      until: 'and of the last',
      counts: 'how many, by event and code',
    },
  },
  'revocation.refused': { when: 'Reserved: `/revoke` asks for nothing but the token.', members: door },
  'key.created': { when: 'A key was made and published.', members: key },
  'key.retired': {
    when: 'A signing key has a successor. It stays published until its last token ended.',
    members: key,
  },
  'secret.put': {
    when: 'An operator gave the store a static secret, or replaced it. The value is nowhere but in its envelope.',
    members: { secret, wrap, by: operator },
  },
  'secret.rewrapped': {
    when: 'An operator put a static secret into a new envelope. Its value is the same.',
    members: { secret, wrap, by: operator },
  },
  'secret.removed': {
    when: 'An operator removed a static secret from the store.',
    members: { secret, by: operator },
  },
  'policy.loaded': {
    when: 'A broker starts with this policy.',
    members: { digest, detail: 'in words' },
  },
  'policy.changed': {
    when: 'The policy of a running broker was replaced by another.',
    members: {
      digest,
      previous: 'digest of the policy that it replaced',
      detail: 'what it changes, in words',
      change: {
        sometimes:
          'what it changes for those who ask: `gained`, `lost`, `lifetimes`, `targets`, `counts` of each, `production` (something of tier production is gained), and how many `more` there are than are shown',
      },
    },
  },
  'policy.refused': {
    when: 'A changed policy was not taken: it has faults, or a guardrail that was not proved. The one before stays in force. A broker does not start with such a policy.',
    members: {
      digest: { sometimes: `${digest}; when the folder could be read` },
      kept: 'digest of the policy that stays in force',
      detail: 'how many faults there are, or why it could not be read or checked',
      faults: 'the first faults, each as FILE:LINE:COLUMN CODE MESSAGE',
    },
  },
  'broker.started': { when: 'A broker opened.', members: broker },
  'broker.stopped': { when: 'A broker closed in order.', members: broker },
}

/** Every event of the log with its members. */
export function eventsPage(): string {
  const sections = Object.entries(events).flatMap(([type, { when, members }]) => [
    '',
    `## \`${type}\``,
    '',
    isUsed(`'${type}'`, 'domain.ts') ? when : `${when} Not written in this version.`,
    '',
    ...table(['member', 'always', 'what'], Object.entries(members).map(row)),
  ])
  return page('Events of the log', [
    'Each entry is one event as canonical JSON (RFC 8785). A verifier hashes its bytes and never writes them anew.',
    '',
    ...table(
      ['member of every entry', 'what'],
      [
        ['`v`', '1, the version of this form'],
        ['`id`', '`au_...`, the `error_id` that a refusal’s answer carries'],
        ['`at`', 'milliseconds since 1970'],
        ['`type`', 'one of the names below'],
        [
          '`cut`',
          '`true` when the event was larger than 32 KiB: then only what finds it and joins it is there, and the claims as a refusal keeps them',
        ],
      ],
    ),
    '',
    'Texts above 1024 characters, lists and maps above 64 members and nesting above six levels are cut, and marked where',
    'text can say so. No entry holds a token or another secret.',
    ...sections,
  ])
}

function row([name, what]: [string, string | { readonly sometimes: string }]): string[] {
  return typeof what === 'string' ? [`\`${name}\``, 'yes', what] : [`\`${name}\``, '', what.sometimes]
}
