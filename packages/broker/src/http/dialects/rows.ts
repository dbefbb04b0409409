/** Doors of other brokers' protocols. Each exists only where the configuration opens its dialect. */
import type { DoorRow } from '../door-row.ts'
import { answerAwsSts, refuseAwsSts } from './aws-sts/aws-sts.ts'
import { answerGoogle } from './google/google.ts'
import { answerOctoSts, refuseOctoSts } from './octo-sts/octo-sts.ts'
import type { Engine } from './vault/data.ts'
import { answerKnownPath, knownPaths, readOf } from './vault/read.ts'
import { refuseVault } from './vault/reply.ts'
import {
  answerLeaseLookup,
  answerLeaseRevocation,
  answerLogin,
  answerLookup,
  answerRenewal,
  answerRevokeSelf,
  answerVaultHealth,
} from './vault/vault.ts'

const bodyLimit = 16_384

const octoSts = {
  path: '/sts/exchange',
  opens: (doors) => doors.dialects?.octoSts !== undefined,
  refuse: refuseOctoSts,
} as const satisfies Partial<DoorRow>

const vault = {
  opens: (doors) => doors.dialects?.vault !== undefined,
  refuse: refuseVault,
} as const satisfies Partial<DoorRow>

/** In the order in which the documentation lists them. */
export const dialectRows: readonly DoorRow[] = [
  { ...octoSts, name: 'octo-sts', method: 'GET', bodyLimit: 0, makes: true, answer: answerOctoSts },
  { ...octoSts, name: 'octo-sts.json', method: 'POST', bodyLimit, answer: answerOctoSts },
  {
    name: 'aws-sts',
    method: 'POST',
    path: '/',
    bodyLimit,
    opens: (doors) => doors.dialects?.awsSts !== undefined,
    refuse: refuseAwsSts,
    answer: answerAwsSts,
  },
  {
    name: 'google-sts',
    method: 'POST',
    path: '/v1/token',
    bodyLimit,
    opens: (doors) => doors.dialects?.google !== undefined,
    answer: answerGoogle,
  },
  ...written('vault.login', '/v1/auth/{mount}/login', answerLogin),
  {
    ...vault,
    name: 'vault.lookup-self',
    method: 'GET',
    path: '/v1/auth/token/lookup-self',
    bodyLimit: 0,
    answer: answerLookup,
  },
  ...written('vault.renew-self', '/v1/auth/token/renew-self', answerRenewal),
  ...written('vault.revoke-self', '/v1/auth/token/revoke-self', answerRevokeSelf),
  ...written('vault.leases.renew', '/v1/sys/leases/renew', answerRenewal),
  ...written('vault.leases.revoke', '/v1/sys/leases/revoke', answerLeaseRevocation),
  ...written('vault.leases.lookup', '/v1/sys/leases/lookup', answerLeaseLookup),
  {
    ...vault,
    name: 'vault.health',
    method: 'GET',
    path: '/v1/sys/health',
    bodyLimit: 0,
    answer: answerVaultHealth,
  },
  {
    ...{ ...vault, name: 'vault.path', method: 'GET', path: '/v1/{name}', bodyLimit: 0, makes: true },
    names: (doors) => knownPaths(doors.dialects?.vault),
    answer: answerKnownPath,
  },
  read('creds'),
  read('sts'),
  ...written('vault.sts.post', '/v1/{mount}/sts/{name}', readOf('sts')),
  read('data'),
  read('token'),
  ...written('vault.issue', '/v1/{mount}/issue/{name}', readOf('issue')),
]

/** Clients of Vault write by PUT or by POST, as they like. */
function written(name: string, path: string, answer: DoorRow['answer']): readonly DoorRow[] {
  return [
    { ...vault, name, method: 'POST', path, bodyLimit, answer },
    { ...vault, name: `${name}.put`, method: 'PUT', path, bodyLimit, answer },
  ]
}

function read(engine: Engine): DoorRow {
  const path = `/v1/{mount}/${engine}/{name}`
  return {
    ...vault,
    name: `vault.${engine}`,
    method: 'GET',
    path,
    bodyLimit: 0,
    makes: true,
    answer: readOf(engine),
  }
}
