/**
 * A job's own program, as it would be written with `@mayfly/client`, on whatever runs it: gets a credential with the token
 * that the platform gives it, is refused another, and gives the first one back. Prints what happened as one line of JSON.
 */
import { exchange } from '../../packages/client/src/exchange.ts'
import { platformTokens } from '../../packages/client/src/platform.ts'
import { MayflyRefused } from '../../packages/client/src/refusal.ts'
import { revoke } from '../../packages/client/src/revoke.ts'

const { env } = globalThis.process
const url = env['MAYFLY_URL'] ?? ''
const nothing = async () => undefined
const { platform, token: subjectToken } = platformTokens({ env, readFile: nothing, run: nothing }, url)
const credential = await exchange({ url, target: 'orders-api', subjectToken })
const refused = await exchange({ url, target: 'orders-api-staging', subjectToken }).catch(
  (thrown: unknown) => thrown,
)
await revoke({ url, token: credential.accessToken })
const said = refused instanceof MayflyRefused ? refused.error : String(refused)
console.log(
  JSON.stringify({ platform, lease: credential.leaseId, expiresIn: credential.expiresIn, refused: said }),
)
