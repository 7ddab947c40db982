/** python3, and what of its own test suite is quick. */
import type { Program } from './program.ts';
import { times } from './variations.ts';

const SCRIPT = `
import ctypes, os, subprocess, sys, threading
print(sys.argv, sorted(os.environ), flush=True)
print(subprocess.run(['/bin/sh', '-c', 'echo child; exit 5'], capture_output=True))
total = []
threads = [threading.Thread(target=lambda n=n: total.append(n * n)) for n in range(20)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sorted(total))
print(os.path.realpath('/proc/self/exe'), open('/proc/self/comm').read())
pid = os.fork()
if pid == 0: os._exit(9)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print(len(bytearray(50_000_000)))
print(sys.stdin.read(), file=sys.stderr)
sys.exit(3)
`;

const MEMORY = `
import ctypes, ctypes.util, mmap, multiprocessing, os, resource, signal
def square(n): return n * n
if __name__ == '__main__':
    for method in 'fork', 'spawn', 'forkserver':
        with multiprocessing.get_context(method).Pool(2) as pool: print(method, pool.map(square, range(5)))
    libc = ctypes.CDLL(ctypes.util.find_library('c'), use_errno=True)
    libc.qsort.restype = None
    numbers = (ctypes.c_int * 4)(4, 2, 3, 1)
    compare = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.POINTER(ctypes.c_int)] * 2)(lambda a, b: a[0] - b[0])
    libc.qsort(numbers, 4, 4, compare)
    print(list(numbers), libc.open(b'none', 0), ctypes.get_errno())
    with open('file', 'w+b') as file:
        file.truncate(8192)
        with mmap.mmap(file.fileno(), 8192) as map: map[4096:4100] = b'here'; map.flush()
        file.seek(4096); print(file.read(4))
    shared = mmap.mmap(-1, 4096)
    if os.fork() == 0: shared[0] = 7; os._exit(0)
    os.wait(); print(shared[0])
    resource.setrlimit(resource.RLIMIT_CPU, (1, 2)); signal.signal(signal.SIGXCPU, lambda *_: os._exit(8))
    while True: pass
`;

const TESTED = [
  'test_json',
  'test_struct',
  'test_re',
  'test_mmap',
  'test_ctypes',
  'test_resource',
  'test_posix',
  'test_os',
  'test_gc',
  'test_exceptions',
  'test_pty',
];

export const PYTHON: readonly Program[] = [
  {
    title: 'python3',
    does: 'runs children, threads and forks, and says what it is',
    file: '/usr/bin/python3',
    args: ['script.py', 'argument'],
    input: 'a line',
    files: { 'script.py': SCRIPT },
    status: 3,
    shows: 'a line',
  },
  {
    title: 'python3',
    does: 'calls libc, maps files, shares memory, keeps pools of processes, and meets its CPU limit',
    file: '/usr/bin/python3',
    args: ['-u', 'script.py'],
    files: { 'script.py': MEMORY },
    status: 8,
    shows: 'forkserver [0, 1, 4, 9, 16]',
  },
  {
    title: 'python3 -m test',
    does: `its own tests: ${TESTED.map((name) => name.replace('test_', '')).join(', ')}`,
    file: '/usr/bin/python3',
    args: ['-m', 'test', ...TESTED],
    varies: [
      times(/^0:\d\d:\d\d load avg: [\d.]+ /gm, ''),
      times(/(?<=^Total duration: ).*$/m, 'N'),
      times(/ in [\d.]+ (sec|ms)$/gm, ''),
    ],
    shows: `All ${TESTED.length} tests OK.`,
  },
];
