/** The recipes of `examples/deploy`: what they name exists, and what they promise is in them. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'

const folder = 'examples/deploy'
const read = (name: string) => readFileSync(`${folder}/${name}`, 'utf8')

type Tree = { readonly [name: string]: Tree } & readonly Tree[]

function manifests(): ReadonlyMap<string, Tree> {
  const documents = parseAllDocuments(read('kubernetes/mayfly.yaml'))
  for (const document of documents) assert.deepEqual(document.errors, [])
  return new Map(
    documents.map((document) => {
      const tree = document.toJS() as Tree
      return [String(tree['kind']), tree]
    }),
  )
}

test('pods run as nobody, write nowhere, and are asked whether they live and are ready', () => {
  const pod = manifests().get('Deployment')?.['spec']?.['template']?.['spec']
  assert.ok(pod !== undefined)
  assert.deepEqual(
    [pod['automountServiceAccountToken'], pod['securityContext']?.['runAsNonRoot']],
    [false, true],
  )
  const [container] = pod['containers'] ?? []
  assert.deepEqual(container?.['securityContext'], {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  })
  const path = (probe: string) => container?.[probe]?.['httpGet']?.['path']
  assert.deepEqual([path('livenessProbe'), path('readinessProbe')], ['/healthz', '/readyz'])
})

test('what the configuration reads is mounted, and its ports are those of the pods', () => {
  const all = manifests()
  const [container] = all.get('Deployment')?.['spec']?.['template']?.['spec']?.['containers'] ?? []
  const mounts = (container?.['volumeMounts'] ?? []).map((each) => String(each['mountPath']))
  const configuration = read('mayfly.yaml')
  const files = [...configuration.matchAll(/(?:file:|policies:) (\/[^\s}]+)/g)].map(([, path = '']) => path)
  assert.ok(files.length >= 4)
  for (const file of files)
    assert.ok(
      mounts.some((mount) => file === mount || file.startsWith(`${mount}/`)),
      file,
    )
  const ports = (container?.['ports'] ?? []).map((each) => Number(each['containerPort']))
  const listened = [...configuration.matchAll(/listen: "?0\.0\.0\.0:(\d+)/g)].map(([, port]) => Number(port))
  assert.deepEqual(ports, listened)
})

test('the image has what its build makes, and nothing of the build is missing in the repository', () => {
  const lines = read('Dockerfile').split('\n')
  const copied = lines.flatMap(
    (line) => /^COPY --from=build \/src\/(\S+) \.\/(\S+)$/.exec(line)?.slice(1, 3) ?? [],
  )
  for (const path of copied) if (!/(^node_modules|\/dist)$/.test(path)) assert.ok(existsSync(path), path)
  for (const name of ['policy', 'client', 'broker', 'cli'])
    assert.ok(copied.includes(`packages/${name}/dist`), name)
  assert.ok(lines.includes('USER 10001:10001'))
  assert.match(read('Dockerfile'), /^ENTRYPOINT \["node", "\/app\/packages\/cli\/dist\/main\.js"\]$/m)
})

test('systemd understands the unit', () => {
  const unit = read('mayfly.service')
  assert.match(unit, /^DynamicUser=yes$/m)
  assert.match(unit, /^CapabilityBoundingSet=$/m)
  // Where there is no systemd, nobody can say more than that every line is one of its form.
  const program = '/usr/bin/systemd-analyze'
  if (existsSync(program)) {
    const { stderr, status } = spawnSync(program, ['verify', `${folder}/mayfly.service`], {
      encoding: 'utf8',
    })
    assert.ok(status === 0 || !/mayfly\.service:\d+/.test(stderr), stderr)
  }
  for (const line of unit.split('\n')) assert.match(line, /^(|#.*|\[[A-Z][a-z]+\]|[A-Z][A-Za-z]*=.*)$/)
})
