import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { members } from '../read-log.ts'
import type { Site } from '../site.ts'
import { expect, type Stage } from '../stage.ts'

/** Step 1: a broker on an embedded store, with the policy of `examples/`, between GitHub and an example API. */
export async function startBroker(stage: Stage): Promise<Site> {
  const { parts, wire } = stage
  const github = await parts.startGithub()
  stage.onClose(() => github.close())
  const orders = await parts.startOrdersApi()
  stage.onClose(() => orders.close())
  const tap = async (from: string, to: string, upstream?: string) => {
    const opened = await wire.tap({ from, to })
    stage.onClose(() => opened.close())
    if (upstream !== undefined) opened.connect(upstream)
    return opened
  }
  const githubTap = await tap('job', 'GitHub', github.issuer)
  const ordersTap = await tap('proxy', 'orders API', orders.url)
  const front = await tap('job', 'broker')
  const webhooks = await tap('GitHub', 'broker')
  const secrets = makeSecrets(stage)
  const config = writeConfig(stage, { url: front.url, issuer: github.issuer, upstream: ordersTap.url })

  const log: string[] = []
  const running = await parts.openBroker({ path: config, env: {}, writeLog: (line) => log.push(line) })
  stage.onClose(() => running.close())
  front.connect(running.url)
  webhooks.connect(running.url)
  const proxy = {
    production: running.routes.find(({ name }) => name === 'orders')?.url ?? '',
    staging: running.routes.find(({ name }) => name === 'orders-staging')?.url ?? '',
  }
  const site: Site = {
    github,
    githubUrl: githubTap.url,
    url: front.url,
    webhookUrl: `${webhooks.url}/webhooks/github`,
    listens: running.url,
    proxy,
    logKey: running.logKey,
    config,
    auditReader: secrets['audit-reader'],
    webhookSecret: secrets['webhook-secret'],
    made: Object.values(secrets),
    log,
  }
  await checkSite(site)
  stage.say(`    policy      ${relative(process.cwd(), parts.policies)}`)
  stage.say(`    broker      ${site.listens}, reached as ${site.url}, so that the wire can be shown`)
  stage.say(`    proxy       ${proxy.production} for orders-api, ${proxy.staging} for orders-api-staging`)
  stage.say(`    GitHub      ${github.issuer}, a stand-in with GitHub's protocol and keys of its own`)
  stage.say(`    log key     ${site.logKey}`)
  return site
}

/** New ones for every run, in files that only this user can read. */
function makeSecrets(stage: Stage) {
  const make = (name: string) => {
    const value = randomBytes(32).toString('base64')
    writeFileSync(join(stage.folder, name), `${value}\n`, { mode: 0o600 })
    return value
  }
  return {
    'master-key': make('master-key'),
    'webhook-secret': make('webhook-secret'),
    'audit-reader': make('audit-reader'),
  }
}

/** What an operator writes; ports are whatever is free. */
function writeConfig(stage: Stage, at: { url: string; issuer: string; upstream: string }): string {
  const route = (name: string, target: string) =>
    `  - { kind: http, name: ${name}, listen: "127.0.0.1:0", upstream: "${at.upstream}", target: ${target} }`
  const text = [
    `url: ${at.url}`,
    'listen: 127.0.0.1:0',
    'store: { kind: sqlite, path: ./mayfly.db }',
    'keys: { encryption: { file: ./master-key } }',
    'issuers:',
    `  github: { preset: github-actions, issuer: "${at.issuer}", dangerously_allow_http: true }`,
    `policies: ${JSON.stringify(stage.parts.policies)}`,
    'webhooks: { github: { secret: { file: ./webhook-secret } } }',
    'audit: { reader: { file: ./audit-reader } }',
    'routes:',
    route('orders', 'orders-api'),
    route('orders-staging', 'orders-api-staging'),
    '',
  ].join('\n')
  const path = join(stage.folder, 'mayfly.yaml')
  writeFileSync(path, text)
  return path
}

/** Ready, and its discovery says who it is. */
async function checkSite(site: Site): Promise<void> {
  expect(site.proxy.production !== '' && site.proxy.staging !== '', 'the broker opened no proxy')
  const ready = await fetch(`${site.listens}/readyz`)
  expect(ready.status === 200, `the broker is not ready: status ${ready.status}`)
  const discovery = await fetch(`${site.listens}/.well-known/openid-configuration`)
  const { issuer } = members(await discovery.text())
  expect(issuer === site.url, `the broker says that its issuer is ${issuer}`)
}
