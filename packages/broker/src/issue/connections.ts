import { z } from 'zod'
import { auth0Connection } from './targets/auth0/settings.ts'
import { awsConnection } from './targets/aws/settings.ts'
import { azureConnection } from './targets/azure/settings.ts'
import { gcpConnection } from './targets/gcp/settings.ts'
import { githubAppConnection } from './targets/github-app/settings.ts'
import { kubernetesConnection } from './targets/kubernetes/settings.ts'
import { mysqlConnection } from './targets/mysql/settings.ts'
import { postgresConnection } from './targets/postgres/settings.ts'
import { redisConnection } from './targets/redis/settings.ts'
import { secretConnection } from './targets/secret/settings.ts'
import { sshConnection } from './targets/ssh/settings.ts'

/** Names by which a policy refers to a connection. */
const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and hyphens, and start with a letter')

/** The `connections` part of the configuration: what each kind of target needs to reach its place. */
export const connectionSettings = z.strictObject({
  auth0: z
    .record(name, auth0Connection)
    .default({})
    .describe('Tenants of Auth0 whose access tokens targets `auth0` give'),
  aws: z.record(name, awsConnection).default({}).describe('Where targets `aws_role` get keys of a session'),
  azure: z
    .record(name, azureConnection)
    .default({})
    .describe('Tenants of Microsoft Entra whose access tokens targets `azure` give'),
  gcp: z
    .record(name, gcpConnection)
    .default({})
    .describe('Workload identity providers through which targets `gcp_service_account` get tokens'),
  github_app: z
    .record(name, githubAppConnection)
    .default({})
    .describe('GitHub Apps whose tokens targets `github_app` give'),
  kubernetes: z
    .record(name, kubernetesConnection)
    .default({})
    .describe('Clusters whose service accounts targets `kubernetes` give tokens of'),
  mysql: z
    .record(name, mysqlConnection)
    .default({})
    .describe('Servers of MariaDB and MySQL on which targets `mysql_role` make accounts'),
  postgres: z
    .record(name, postgresConnection)
    .default({})
    .describe('Servers on which targets `postgres_role` make roles'),
  redis: z
    .record(name, redisConnection)
    .default({})
    .describe('Servers on which targets `redis_user` make users'),
  secret: z
    .record(name, secretConnection)
    .default({})
    .describe('Static secrets that targets `secret` release'),
  ssh: z
    .record(name, sshConnection)
    .default({})
    .describe('Authorities that sign the certificates of targets `ssh`'),
})
