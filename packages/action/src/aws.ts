/** What AWS's tools call when their keys are about to end (`credential_process`): `node aws.js URL TARGET`. */
import { awsCredentials } from './aws-credentials.ts'
import { nodeTransport } from './node-transport.ts'

const [url = '', target = ''] = process.argv.slice(2)
try {
  process.stdout.write(await awsCredentials({ url, target, env: process.env, transport: nodeTransport }))
} catch (error) {
  process.stderr.write(
    `Mayfly: ${error instanceof Error ? error.message : 'Something unexpected was thrown.'}\n`,
  )
  process.exitCode = 1
}
