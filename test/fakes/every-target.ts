/** One broker before a place of every kind, each behind a wire of its own, on a clock that a test may set ahead. */
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import type { Github } from '../../packages/cli/src/demo/stand-in/github.ts'
import { githubFor } from './github.ts'
import type { Place } from './place.ts'
import { placesTakingBack } from './places-taking-back.ts'
import { placesUntilExpiry, trustedKeys } from './places-until-expiry.ts'
import { type Answered, exchange } from './requests.ts'
import { makeSite, type Site } from './site.ts'

type Job = ReturnType<Github['job']>

export interface NamedPlace extends Place {
  /** Its target in the policy. */
  readonly target: string
}

export interface EveryTarget {
  readonly site: Site
  readonly github: Github
  readonly places: readonly NamedPlace[]
  /** Milliseconds that the places' clocks are ahead of the machine's. */
  ahead: number
  newJob(): Job
  /** Asks a broker for a credential of a place, for a job. */
  get(url: string, job: Job, place: NamedPlace): Promise<Answered>
  /** The webhook of a job's end, to a broker. */
  endJob(url: string, job: Job): Promise<Response>
  /** Reads the broker's keys, as clouds do from time to time. */
  learnKeys(url: string): Promise<void>
}

const ownApis = `
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.own.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }`

/** Opens all places and writes the site. `database`: connection string of the store; SQLite when absent. */
export async function everyTarget(t: TestContext, database?: string): Promise<EveryTarget> {
  const github = await githubFor(t)
  const issuers = { github: github.issuer }
  const keys = trustedKeys()
  const site = await makeSite(t, { issuers, policy: '', ...(database === undefined ? {} : { database }) })
  const now = () => Date.now() + world.ahead
  const ground = { t, now, issuer: () => site.url }
  const world: EveryTarget = {
    site,
    github,
    places: [],
    ahead: 0,
    newJob: () => github.job(pushJob('staging')),
    get: (url, job, place) =>
      exchange(url, github.idTokenOf(job, site.url), { audience: place.target, ...place.asked }),
    endJob: (url, job) => github.completeJob(job, `${url}/webhooks/github`, site.secrets['webhook-secret']),
    learnKeys: keys.learn,
  }
  const made = [...(await placesTakingBack(ground)), ...(await placesUntilExpiry(ground, keys.key))]
  const places = made.map((place) => ({ ...place, target: `any-${place.kind.replaceAll('_', '-')}` }))
  const connections = Object.assign({}, ...places.map((place) => place.connections))
  for (const config of [site.config, site.replica])
    appendFileSync(config, `connections: ${JSON.stringify(connections)}\n`)
  for (const [name, text] of places.flatMap(({ files = {} }) => Object.entries(files)))
    writeFileSync(join(site.folder, name), `${text}\n`, { mode: 0o600 })
  writeFileSync(join(site.folder, 'policies/site.policy.yaml'), policyOf(places))
  return Object.assign(world, { places })
}

/** Their settings say the access themselves. */
const sayAccess: ReadonlySet<string> = new Set(['github_app', 'auth0'])

function policyOf(places: readonly NamedPlace[]): string {
  const targets = places.map((place) => {
    const settings = JSON.stringify({ [place.kind]: place.settings }).slice(1, -1)
    const access = sayAccess.has(place.kind) ? '' : 'access: write, '
    return `\n  ${place.target}: { tier: staging, ${access}max: 15m, ${settings} }`
  })
  const who = '{ repo: acme/shop, branch: main, environment: staging }'
  const plain = places.filter(({ asked }) => asked === undefined).map(({ target }) => target)
  const scoped = places.flatMap((place) =>
    place.asked?.['scope'] === undefined
      ? []
      : [
          `\n  - { name: ${place.kind}, who: ${who}, get: { target: ${place.target}, scopes: ["${place.asked['scope']}"] }, for: 15m }`,
        ],
  )
  const all = ['orders-api', 'orders-api-staging', ...plain].join(', ')
  return `version: 1
issuers: { github: { owners: [acme] } }
targets:${ownApis}${targets.join('')}
grants:
  - { name: shop, who: ${who}, get: [${all}], for: 15m }${scoped.join('')}
`
}
