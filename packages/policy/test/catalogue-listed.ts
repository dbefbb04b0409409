/** What is wrong with what scopes list. */
export type Row = readonly [code: string, what: string, text: string]

const target = (settings: string) =>
  `version: 1\nissuers:\n  github: { owners: [acme] }\ntargets:\n  orders: { tier: staging, ${settings} }\n`
const requests = (scopes: string) => target(`token: { audience: 'https://t.example', scopes: { ${scopes} } }`)

const statements = (scopes: string, more = 'audience: "postgres://orders", ') =>
  target(`postgres_role: { server: s, role: r, ${more}scopes: { ${scopes} } }`)

export const listed: readonly Row[] = [
  [
    'P026',
    'a budget of nothing',
    target("¶budget: {}, access: read, token: { audience: 'https://t.example' }"),
  ],
  [
    'P026',
    'a budget that is no number',
    target("budget: { calls: ¶many }, access: read, token: { audience: 'https://t.example' }"),
  ],
  ['P026', 'a budget that nobody counts', target('¶budget: { calls: 1 }, access: read, secret: x')],
  ['P041', 'a request that is none', requests('read: { access: read, requests: [¶/orders] }')],
  [
    'P041',
    'a scope without requests beside one with',
    requests('read: { access: read, requests: [GET /orders] }, ¶write: write'),
  ],
  ['P041', 'a scope without its access', requests('¶read: { requests: [GET /orders] }')],
  ['P041', 'an empty list of requests', requests('read: { access: read, ¶requests: [] }')],
  [
    'P041',
    'a member of a body that is no pointer',
    requests('w: { access: write, requests: [{ request: POST /a, body: { ¶kind: x } }] }'),
  ],
  ['P042', 'a scope that reads and may write', requests('read: { access: read, ¶requests: [POST /orders] }')],
  ['P043', 'a statement that is none', statements('r: { access: read, statements: [¶SELECT orders] }')],
  [
    'P043',
    'a statement of no known kind',
    statements('r: { access: write, statements: [¶DROP shop.orders] }'),
  ],
  ['P043', 'a schema of functions', statements('r: { access: write, statements: [¶CALL pg_catalog.*] }')],
  [
    'P043',
    'a scope without statements beside one with',
    statements('r: { access: read, statements: [SELECT shop.orders] }, ¶w: write'),
  ],
  [
    'P043',
    'statements that nobody looks at',
    statements('r: { access: read, statements: [SELECT shop.orders] }', '').replace(
      'scopes: {',
      'scopes: ¶{',
    ),
  ],
  ['P043', 'scopes without statements', statements('r: read').replace('scopes: {', 'scopes: ¶{')],
  [
    'P043',
    'a mask of no kind',
    statements(
      'r: { access: read, statements: [{ statement: SELECT shop.customers, mask: { ¶email: some } }] }',
    ),
  ],
  [
    'P043',
    'a mask for what writes',
    statements(
      'r: { access: write, statements: [{ statement: UPDATE shop.customers, ¶mask: { email: hash } }] }',
    ),
  ],
  [
    'P043',
    'columns of what has none',
    statements('r: { access: write, statements: [¶{ statement: DELETE shop.customers, columns: [id] }] }'),
  ],
  [
    'P043',
    'a mask of a column that is not listed',
    statements(
      'r: { access: read, statements: [¶{ statement: SELECT shop.customers, columns: [id], mask: { email: hash } }] }',
    ),
  ],
  [
    'P043',
    'rows of what gives none',
    statements('r: { access: write, statements: [{ statement: DELETE shop.customers, ¶rows: 5 }] }'),
  ],
  [
    'P042',
    'a scope that reads and may delete',
    statements('r: { access: read, ¶statements: [DELETE shop.orders] }'),
  ],
]
