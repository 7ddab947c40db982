/** Interpreters and compilers with a runtime of their own: threads, garbage collectors, code made at run time. */
import { COMMAND } from '../../support/run.ts';
import type { Program } from './program.ts';
import { times } from './variations.ts';

const PERL = `
use strict; use warnings; use POSIX (); use Socket; use Digest::SHA qw(sha1_hex); use Time::HiRes ();
$| = 1; $0 = 'renamed'; open my $own, '<', '/proc/self/cmdline' or die; print <$own>, "\\n";
socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die;
my $pid = fork // die;
if (!$pid) { syswrite $a, sha1_hex('child'); POSIX::_exit(5) }
close $a; print <$b>, "\\n"; waitpid $pid, 0; print $? >> 8, "\\n";
local $SIG{ALRM} = sub { print "alarm\\n"; die };
eval { Time::HiRes::alarm(0.05); sleep 10 for 1 .. 3 };
my %count; $count{length $_}++ for map { $_ x 3 } 'a' .. 'zz'; print "$_ $count{$_}\\n" for sort keys %count;
print scalar(@ARGV), " $ENV{TZ}\\n"; kill 'USR1', $$; sleep 10;
`;

const LUA = `
local n, text = 0, {}
for i = 1, 5e6 do n = (n + i * i) % 1000003 end
for word in ("a few words"):gmatch("%a+") do text[#text + 1] = word end
local ok, what = pcall(function() error({ code = 7 }) end)
print(n, table.concat(text, "-"), ok, what.code, arg[0], arg[1], jit.status())
local ffi = require("ffi")
ffi.cdef("int getpagesize(void); char *getenv(const char *);")
print(ffi.C.getpagesize(), ffi.string(ffi.C.getenv("TZ")))
os.exit(4)
`;

const JAVA = `
import java.util.*;
import java.util.concurrent.*;
public class Hello {
  static int depth(int n) { return depth(n + 1) + 1; }
  public static void main(String[] args) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(4);
    List<Future<Long>> sums = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      final int from = i * 100_000;
      sums.add(pool.submit(() -> { long sum = 0; for (int n = from; n < from + 100_000; n++) sum += n; return sum; }));
    }
    long total = 0;
    for (Future<Long> sum : sums) total += sum.get();
    pool.shutdown();
    System.out.println(total + " " + Arrays.toString(args) + " " + System.getenv("TZ"));
    try { String none = null; none.length(); } catch (NullPointerException e) { System.out.println("a null pointer, from SIGSEGV"); }
    try { depth(0); } catch (StackOverflowError e) { System.out.println("the stack ended"); }
    for (int i = 0; i < 200; i++) { byte[] garbage = new byte[1 << 20]; garbage[i] = 1; }
    System.gc();
    System.out.println(new String(new ProcessBuilder("/bin/echo", "child").start().getInputStream().readAllBytes()));
    System.out.println(ProcessHandle.current().info().command().get().endsWith("/bin/java"));
    System.exit(3);
  }
}
`;

const SQL = `
CREATE TABLE t (name TEXT PRIMARY KEY, amount INTEGER);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
  INSERT INTO t SELECT 'item' || i, i * i % 997 FROM n;
SELECT name, sum(amount) OVER (ORDER BY amount, name) FROM t ORDER BY amount DESC, name LIMIT 3;
SELECT json_group_array(amount) FROM (SELECT DISTINCT amount FROM t WHERE amount < 30 ORDER BY 1);
SELECT * FROM none;
`;

const NODE = `
import { Worker } from 'node:worker_threads';
import { execFileSync } from 'node:child_process';
console.log(process.argv.slice(2), process.title, process.execPath, process.execArgv);
console.log(String(execFileSync('/bin/echo', ['child'])));
new Worker('require("worker_threads").parentPort.postMessage(6 * 7)', { eval: true })
  .on('message', (answer) => { console.log(answer); process.exitCode = 6; });
`;

const NODE_TEST = `
import { test } from 'node:test';
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { gzipSync, gunzipSync } from 'node:zlib';
test('a child', () => assert.equal(spawnSync(process.execPath, ['-p', '6 * 7']).stdout.toString(), '42\\n'));
test('zlib', () => assert.equal(gunzipSync(gzipSync('text')).toString(), 'text'));
test('a failure', () => assert.equal(1, 2));
`;

export const LANGUAGES: readonly Program[] = [
  {
    title: 'perl',
    does: 'renames itself, forks, loads modules in C, and dies of a signal it sends itself',
    file: '/usr/bin/perl',
    args: ['script.pl', 'a'],
    files: { 'script.pl': PERL },
    status: 'SIGUSR1',
    shows: 'alarm',
  },
  {
    title: 'luajit',
    does: 'compiles a loop to machine code and calls libc',
    file: '/usr/bin/luajit',
    args: ['script.lua', 'a'],
    files: { 'script.lua': LUA },
    status: 4,
    shows: 'a-few-words\tfalse\t7\tscript.lua\ta\ttrue',
  },
  {
    title: 'java',
    does: 'compiles a class and runs it: threads, collection, a null pointer, a full stack, a child',
    file: '/usr/bin/java',
    args: ['-Xss512k', 'Hello.java', 'a', '-b'],
    files: { 'Hello.java': JAVA },
    status: 3,
    shows: 'a null pointer, from SIGSEGV\nthe stack ended\nchild',
  },
  {
    title: 'go',
    does: 'goroutines, collection, signals, a child and its environment in a static program with a runtime of its own',
    file: './goroutines',
    args: ['a', 'two words'],
    prepare: 'CGO_ENABLED=0 go build -o goroutines "$SOURCES/goroutines.go"',
    status: 5,
    shows: 'user defined signal 1',
  },
  {
    title: 'gofmt',
    does: 'formats a program',
    file: '/usr/bin/gofmt',
    args: ['-d', '-s', 'a.go'],
    files: { 'a.go': 'package main\nfunc main( ) {\nx:=[]int{}\nfor _=range x {}}\n' },
    varies: [
      {
        what: 'names of temporary files',
        why: 'they are random',
        pattern: /gofmt\d+/g,
        to: 'gofmtN',
      },
      times(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+/g, 'NOW'),
    ],
    shows: '+func main() {',
  },
  {
    title: 'sqlite3',
    does: 'makes a database, asks it and reports an error',
    file: '/usr/bin/sqlite3',
    args: ['-batch', 'a.db'],
    input: SQL,
    produces: ['a.db'],
    status: 1,
    shows: 'no such table: none',
  },
  {
    title: 'node',
    does: 'runs a script, a worker and a child',
    file: process.execPath,
    args: ['--no-warnings', 'script.mjs', 'a', '-b'],
    files: { 'script.mjs': NODE },
    status: 6,
    shows: '42',
  },
  {
    title: 'node',
    does: 'runs tests, one of which fails',
    file: process.execPath,
    args: ['--test', '--test-reporter=tap', 'sums.test.mjs'],
    files: { 'sums.test.mjs': NODE_TEST },
    varies: [times(/(?<=duration_ms:? )[\d.]+/g, 'N')],
    status: 1,
    shows: 'not ok 3 - a failure',
  },
  {
    title: 'run-foreign',
    does: 'starts a program when run-foreign started it',
    file: COMMAND,
    args: ['/bin/sh', '-c', 'echo "$0 $*"; exit 4', 'twice'],
    status: 4,
    shows: 'twice',
  },
];
