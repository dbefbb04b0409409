/** Places that take credentials back: real servers where they can run here, else the vendor's documented API. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { atEnd } from './at-end.ts'
import { openGithubAppFake } from './github-app.ts'
import { kubernetesFor } from './kubernetes.ts'
import { mysqlClient, startMariadb } from './mariadb.ts'
import { type Ground, type Place, wired } from './place.ts'
import { database } from './postgres-for.ts'
import { redisCli, startRedis } from './redis.ts'

/** One of each. */
export async function placesTakingBack(ground: Ground): Promise<readonly Place[]> {
  const servers = [postgres(ground), mysql(ground), redis(ground)]
  return await Promise.all([...servers, githubApp(ground), kubernetes(ground)])
}

async function postgres({ t }: Ground): Promise<Place> {
  const admin = await database()
  const query = async (text: string) => {
    const client = new pg.Client({ connectionString: admin })
    await client.connect()
    try {
      return await client.query<{ rolname: string }>(text)
    } finally {
      await client.end()
    }
  }
  await query('CREATE ROLE migrator').catch(() => undefined)
  const { wire, url } = await wired(t, admin)
  return {
    kind: 'postgres_role',
    settings: { server: 'staging', role: 'migrator' },
    connections: { postgres: { staging: { url: { file: './postgres-url' } } } },
    files: { 'postgres-url': url },
    wire,
    live: async () =>
      (await query(`SELECT rolname FROM pg_roles WHERE rolname LIKE 'mayfly%'`)).rows.map(
        ({ rolname }) => rolname,
      ),
  }
}

async function mysql({ t }: Ground): Promise<Place> {
  const server = await startMariadb()
  atEnd(t, () => server.stop())
  const { wire, url } = await wired(t, server.broker)
  return {
    kind: 'mysql_role',
    settings: { server: 'staging', role: 'reader' },
    connections: { mysql: { staging: { url: { file: './mysql-url' } } } },
    files: { 'mysql-url': url },
    wire,
    async live() {
      const { code, output, errors } = await mysqlClient(server.admin, 'SELECT user FROM mysql.user')
      assert.equal(code, 0, errors)
      return output.split('\n').filter((user) => user.startsWith('mf_'))
    },
  }
}

async function redis({ t }: Ground): Promise<Place> {
  const server = await startRedis()
  atEnd(t, () => server.stop())
  const { wire, url } = await wired(t, server.broker)
  return {
    kind: 'redis_user',
    settings: { server: 'staging', rules: ['~app:*', '+@read'] },
    connections: { redis: { staging: { url: { file: './redis-url' } } } },
    files: { 'redis-url': url },
    wire,
    async live() {
      const { output, errors } = await redisCli(server.admin, 'ACL', 'USERS')
      assert.match(output, /admin/, errors)
      return output.split('\n').filter((user) => user.startsWith('mayfly'))
    },
  }
}

async function githubApp({ t, now }: Ground): Promise<Place> {
  const api = await openGithubAppFake(now)
  atEnd(t, () => api.close())
  const app = api.newApp()
  api.install(app, 'acme', ['docs'], { contents: 'write', metadata: 'read' })
  const { wire, url } = await wired(t, api.url)
  const key = { private_key: { file: './app.pem' } }
  return {
    kind: 'github_app',
    settings: { app: 'bot', repos: ['acme/docs'], permissions: { contents: 'read' } },
    connections: {
      github_app: { bot: { app_id: String(app.id), ...key, api: url, dangerously_allow_http: true } },
    },
    files: { 'app.pem': app.privateKey },
    wire,
    live: async () => [...api.tokens.keys()].filter(api.works),
  }
}

async function kubernetes({ t, now }: Ground): Promise<Place> {
  const broker = randomBytes(40).toString('base64url')
  const cluster = await kubernetesFor(t, { now, broker, accounts: ['shop/deployer'] })
  const { wire, url } = await wired(t, cluster.url)
  const files = { ca: { file: './cluster-ca.pem' }, token: { file: './cluster-token' } }
  return {
    kind: 'kubernetes',
    settings: { cluster: 'main', namespace: 'shop', service_account: 'deployer' },
    connections: { kubernetes: { main: { server: url, ...files } } },
    files: { 'cluster-ca.pem': cluster.ca, 'cluster-token': broker },
    wire,
    live: async () => cluster.secrets(),
  }
}
