import { type FailureCode, failureRow, failures } from '@mayfly/broker/base/failure'
import { isUsed, page, table } from './page.ts'

/** When each happens; the compiler wants every code here. */
const when = {
  request_malformed: 'a parameter is missing, repeated or of another form; the body is no form',
  request_too_large: 'the body is above the limit of its door',
  grant_type_unsupported: 'a grant other than token exchange and JWT bearer',
  client_rejected:
    'client credentials at `/token`; wrong or no credentials at `/introspect`, `/audit/entries`, a webhook or the proxy',
  subject_token_invalid:
    'the token did not verify, was spent before, is for another audience, or its job or lease has ended',
  target_refused:
    'no grant gives the target, it is unknown, or the job has had all the credentials it may have',
  scope_refused: 'a scope that no matching grant gives',
  rate_limited: 'too many requests',
  budget_spent: 'the job has used up what the policy lets one job use of a target at our routes',
  not_approved: 'the policy holds such a call until somebody approves it, and nobody did',
  provider_unavailable: 'the store, the signing keys or the keys of an issuer cannot be had',
  internal: 'a fault of ours; the broker’s own log has the cause under the `error_id`',
} as const satisfies Record<FailureCode, string>

/** The one error table, as each protocol says it. */
export function errorsPage(): string {
  const codes = Object.keys(failures) as FailureCode[]
  return page('Errors', [
    'One table for every protocol. `code` is what the log and the metrics say; callers see the words of their own',
    'protocol. The text is the same whatever the cause was; the reason is in the log, under the `error_id` of the answer.',
    '',
    ...table(
      ['code', 'text', 'when'],
      codes.map((code) => [`\`${code}\``, failureRow(code).text, said(code)]),
    ),
    '',
    '## As each protocol says it',
    '',
    'Token endpoint and the other doors: RFC 6749 5.2 and RFC 8693 2.2.2, as `error`. With `jwt-bearer` a bad assertion is',
    '`invalid_grant` (RFC 7523 3.1). Proxy: RFC 6750 3.1, in `WWW-Authenticate` and in a problem document (RFC 9457).',
    'octo-sts: the HTTP status of the proxy with the gRPC code. AWS STS: `Code`. Vault: the status alone.',
    'SQLSTATE: reserved for database routes of a later version.',
    '',
    ...table(
      [
        'code',
        'token endpoint',
        '`error`',
        'proxy',
        '`error`',
        'gRPC',
        'AWS',
        'Vault',
        'SQLSTATE',
        '`Retry-After`',
      ],
      codes.map(protocols),
    ),
    '',
    'A 401 to a caller that authenticates by `Bearer` (`/introspect`, `/audit/entries`) says `invalid_token` as the proxy',
    'does. A request to the proxy without any token gets 401 without an `error` (RFC 6750 3.1).',
  ])
}

function said(code: FailureCode): string {
  return isUsed(`'${code}'`, 'base/failure.ts') ? when[code] : `${when[code]}; not used in this version`
}

function protocols(code: FailureCode): string[] {
  const { status, oauth, assertion, bearer, bearerError, sqlstate, grpc, aws, vault, retryAfter } =
    failureRow(code)
  const oauthWords =
    assertion === undefined ? `\`${oauth}\`` : `\`${oauth}\`, \`${assertion}\` for an assertion`
  const bearerWord = bearerError === undefined || code === 'client_rejected' ? '-' : `\`${bearerError}\``
  const wait = retryAfter === undefined ? '-' : `${retryAfter} s`
  const words = [
    oauthWords,
    String(bearer),
    bearerWord,
    String(grpc),
    `\`${aws}\``,
    String(vault),
    `\`${sqlstate}\``,
  ]
  return [`\`${code}\``, String(status), ...words, wait]
}
