/**
 * What octo-sts/action sends and checks, written from its published source (`index.js`, `post.js`): the token for the
 * domain, one GET without any encoding, three attempts, `token` or else `message`.
 */
import type { Github } from '../../packages/cli/src/demo/stand-in/github.ts'
import { type Answered, ask } from './requests.ts'

type Job = ReturnType<Github['job']>

export interface OctoStsInputs {
  /** Without a scheme; the action adds https, this one http. */
  readonly domain: string
  readonly scope: string
  readonly identity: string
}

/** The step's output `token`, or what it fails with. */
export async function octoStsAction(
  job: Job,
  { domain, scope, identity }: OctoStsInputs,
): Promise<{ readonly token: string } | { readonly failed: string; readonly last: Answered }> {
  const mine = { headers: { Authorization: `Bearer ${job.requestToken}` } }
  let last: Answered | undefined
  for (let attempt = 0; attempt < 3 && (last === undefined || last.status >= 300); attempt++) {
    const { body } = await ask(`${job.requestUrl}&audience=${domain}`, mine)
    last = await ask(`http://${domain}/sts/exchange?scope=${scope}&scopes=${scope}&identity=${identity}`, {
      headers: { Authorization: `Bearer ${String(body['value'])}` },
    })
  }
  if (last === undefined) throw new Error('it was never asked')
  const { token, message } = last.body
  if (typeof token === 'string' && token !== '') return { token }
  return { failed: String(message), last }
}

/** Its post step, at a stand-in of GitHub's API: the broker is never told. */
export function octoStsPost(api: string, token: string): Promise<Answered> {
  return ask(`${api}/installation/token`, { method: 'DELETE', headers: { Authorization: `Bearer ${token}` } })
}
