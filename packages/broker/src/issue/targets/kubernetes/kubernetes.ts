/**
 * The `kubernetes` target: a token of a service account, bound to an empty Secret of its lease. Deleting the Secret
 * ends the token. A Secret that is left over holds nothing.
 */
import { z } from 'zod'
import { Failure } from '../../../base/failure.ts'
import { Secret } from '../../../base/secret.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Grant } from '../../../domain.ts'
import type { Issued, Target } from '../../target.ts'
import { type Cluster, type KubernetesConnection, openCluster } from './cluster.ts'
import { kubernetesSettings } from './settings.ts'

export interface KubernetesTargetParts {
  readonly connections: Readonly<Record<string, KubernetesConnection>>
  readonly tools: Pick<Tools, 'now'>
  /** Milliseconds that each question may take; five seconds when absent. */
  readonly answerMs?: number
}

/** The API server gives no shorter life. */
const shortest = 600

const handleShape = z.strictObject({ server: z.string(), namespace: z.string(), secret: z.string() })

/** Opens the kind. Throws `Failure('internal')` when the token or the authorities of a cluster cannot be read. */
export function openKubernetesTarget({ connections, tools, answerMs }: KubernetesTargetParts): Target {
  const closing = new AbortController()
  const limits = { milliseconds: answerMs ?? 5_000, signal: closing.signal }
  const clusters = new Map(
    Object.entries(connections).map(([name, connection]) => [name, openCluster(name, connection, limits)]),
  )
  const handleOf = (grant: Grant) => {
    const { namespace } = settingsOf(grant)
    return { server: clusterOf(clusters, grant).server, namespace, secret: secretName(grant.leaseId) }
  }
  return {
    kind: 'kubernetes',
    local: false,
    connection: (grant) => `kubernetes ${settingsOf(grant).cluster}`,
    prepare: handleOf,
    async issue(grant): Promise<Issued> {
      const cluster = clusterOf(clusters, grant)
      const { namespace, service_account: serviceAccount, audiences = [] } = settingsOf(grant)
      const { secret: name } = handleOf(grant)
      const uid = await cluster.makeSecret(namespace, name)
      const seconds = Math.max(shortest, grant.expiresAt - Math.floor(tools.now() / 1000))
      const secret = { name, uid }
      const made = await cluster.makeToken({ namespace, serviceAccount, audiences, seconds, secret })
      const token = new Secret(made.token)
      const expiresAt = Math.min(grant.expiresAt, made.until)
      const expiration = new Date(expiresAt * 1000).toISOString().replace('.000Z', 'Z')
      return {
        token,
        issuedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
        tokenType: 'N_A',
        parts: { token, expiration, ...shown(cluster.server, connections[settingsOf(grant).cluster]) },
        expiresAt,
      }
    },
    async revoke(handle) {
      const { server, namespace, secret } = handleShape.parse(handle)
      // Under another name it is the same cluster; at another address it may be another one, which knows nothing of it.
      const cluster = [...clusters.values()].find((each) => each.server === server)
      if (cluster === undefined)
        throw new Failure('provider_unavailable', { reason: `connections.kubernetes has none at ${server}` })
      await cluster.deleteSecret(namespace, secret)
    },
    close: async () => closing.abort(),
  }
}

function settingsOf(grant: Grant) {
  const parsed = kubernetesSettings.safeParse(grant.settings)
  if (parsed.success) return parsed.data
  throw new Failure('target_refused', {
    reason: `the settings of ${grant.target} are not those of kubernetes`,
  })
}

function clusterOf(clusters: ReadonlyMap<string, Cluster>, grant: Grant): Cluster {
  const { cluster: name } = settingsOf(grant)
  const cluster = clusters.get(name)
  if (cluster !== undefined) return cluster
  throw new Failure('target_refused', { reason: `connections.kubernetes has no \`${name}\`` })
}

/** A name that is one of Kubernetes' too; the lease can be told from it. */
function secretName(leaseId: string): string {
  return `mayfly-${leaseId.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')}`
}

/** Where the token works, which is no secret. */
function shown(server: string, connection: KubernetesConnection | undefined): Record<string, string> {
  const ca = connection?.ca?.reveal()
  return { server, ...(ca === undefined ? {} : { certificate_authority: ca }) }
}
