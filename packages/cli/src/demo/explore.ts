import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Site } from './site.ts'
import { expect, type Stage } from './stage.ts'
import { pushJob } from './stand-in/claims.ts'
import { startJob } from './steps/2-job-gets-a-token.ts'

/** Leaves something to try: a new deploy job whose token is in a file, for `curl -H @FILE`. */
export async function explore(stage: Stage, site: Site): Promise<void> {
  const { runner } = startJob(stage, site, pushJob('production'))
  const { environment } = await runner.main({ url: site.url, target: 'orders-api', scope: '', export: 'env' })
  const token = environment['MAYFLY_TOKEN']
  expect(token !== undefined, 'there is no token to explore with')
  const header = join(stage.folder, 'authorization')
  writeFileSync(header, `Authorization: Bearer ${token}\n`, { mode: 0o600 })
  for (const line of [
    '',
    'Broker and proxy stay up until Ctrl-C. To try, with a new deploy job’s token in a file (10 minutes):',
    `  $ curl -H @${header} ${site.proxy.production}/orders`,
    `  $ curl ${site.listens}/.well-known/openid-configuration`,
    `  $ npm run mayfly -- leases list --config ${site.config}`,
    `  $ npm run mayfly -- leases revoke --target orders-api --config ${site.config}`,
  ]) {
    stage.say(line)
  }
}
