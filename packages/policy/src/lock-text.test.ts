import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  lockChanges,
  lockOf,
  lockSections,
  lockText,
  parseLock,
  type ResolvedName,
  sameThings,
} from './lock-text.ts'

const parsed = (text: string) => parseLock({ path: 'policy.lock.yaml', text })
const repo = (name: string, id: string): ResolvedName => ({ section: 'repos', name, id })

test('a lock is written in one order, says who writes it, and is read back as it was', () => {
  const names = [
    repo('acme/web', '40211'),
    repo('acme/api', '40212'),
    { section: 'users', name: 'dependabot[bot]', id: '49699333' },
    { section: 'users', name: '0', id: '7' },
    { section: 'users', name: 'true', id: '8' },
    { section: 'users', name: 'a: b #', id: '9' },
  ] as const
  const text = lockText(lockOf(names))
  assert.equal(text, lockText(lockOf(names.toReversed())))
  assert.match(text, /^# Written by `mayfly policy lock`/)
  assert.match(text, /\nowners: \{\}\nrepos:\n {2}acme\/api: 40212\n {2}acme\/web: 40211\nusers:\n/)
  const { lock, problems } = parsed(text)
  assert.deepEqual(problems, [])
  for (const section of lockSections) {
    assert.deepEqual(new Map([...lock[section]].sort()), new Map([...lockOf(names)[section]].sort()))
  }
})

test('an empty lock can be read back', () => {
  const { lock, problems } = parsed(lockText(lockOf([])))
  assert.deepEqual(problems, [])
  assert.deepEqual([lock.owners.size, lock.repos.size, lock.users.size], [0, 0, 0])
})

test('changes: added, gone, renamed with the same id, replaced by another id', () => {
  const old = lockOf([
    repo('acme/gone', '1'),
    repo('acme/old-name', '2'),
    repo('acme/same', '3'),
    repo('acme/taken', '4'),
  ])
  const resolved = [
    repo('acme/taken', '99'),
    repo('acme/same', '3'),
    repo('acme/new', '5'),
    repo('acme/new-name', '2'),
  ]
  assert.deepEqual(lockChanges(old, resolved), [
    { is: 'gone', ...repo('acme/gone', '1') },
    { is: 'added', ...repo('acme/new', '5') },
    { is: 'renamed', ...repo('acme/new-name', '2'), from: 'acme/old-name' },
    { is: 'replaced', ...repo('acme/taken', '99'), oldId: '4' },
  ])
  assert.deepEqual(lockChanges(lockOf(resolved), resolved.toReversed()), [])
})

test('two names that swapped their ids are two replacements, not two renamings', () => {
  const old = lockOf([repo('acme/a', '1'), repo('acme/b', '2')])
  const changes = lockChanges(old, [repo('acme/a', '2'), repo('acme/b', '1')])
  assert.deepEqual(
    changes.map(({ is }) => is),
    ['replaced', 'replaced'],
  )
})

test('a locked name that has now the id of a name that left is replaced, not renamed', () => {
  const old = lockOf([repo('acme/a', '1'), repo('acme/b', '2')])
  assert.deepEqual(lockChanges(old, [repo('acme/a', '2')]), [
    { is: 'replaced', ...repo('acme/a', '2'), oldId: '1' },
    { is: 'gone', ...repo('acme/b', '2') },
  ])
})

test('the same id in two sections is no renaming, and no common thing', () => {
  const old = lockOf([{ section: 'owners', name: 'acme', id: '7' }])
  const resolved: ResolvedName[] = [
    { section: 'owners', name: 'acme', id: '7' },
    { section: 'users', name: 'somebody', id: '7' },
  ]
  assert.deepEqual(lockChanges(old, resolved), [{ is: 'added', section: 'users', name: 'somebody', id: '7' }])
  assert.deepEqual(sameThings(resolved), [])
})

test('two names of one thing are found', () => {
  const both = [repo('acme/old', '1'), repo('acme/new', '1')]
  assert.deepEqual(sameThings([...both, repo('acme/other', '2')]), [both])
})
