"""Runs an interactive bash, argv[1:], on a terminal and types what a person would type, always waiting for the answer:
editing a line, a job in the background, brought to the foreground, stopped and interrupted. Prints the terminal's text."""
import os
import pty
import sys
import time

PROMPT = 'ready> '
# The shell prints its prompt again as a line is edited, but then not at the start of a line.
NEXT = '\n' + PROMPT
text = ''


def read_until(what):
    """Reads on until `what` is there behind what was read before."""
    global text
    start = len(text)
    while what not in text[start:]:
        text += os.read(terminal, 1024).decode()


def type_line(line):
    os.write(terminal, line.encode() + b'\n')
    read_until(NEXT)


def press(key):
    """Presses `key` when the shell has given the terminal to its job."""
    while os.tcgetpgrp(terminal) == shell:
        time.sleep(0.01)
    os.write(terminal, key)
    read_until(NEXT)


shell, terminal = pty.fork()
if shell == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
read_until(PROMPT)
type_line('ech wrong\x01\x06\x06\x06o\x05\x17right')
type_line('tty > /dev/null && ps -o tpgid= -p $$ | grep -c . ; stty size; echo $-')
type_line('sleep 100 &')
type_line('jobs')
os.write(terminal, b'fg\n')
press(b'\x1a')
os.write(terminal, b'fg\n')
press(b'\x03')
type_line('echo $?')
os.write(terminal, b'exit 3\n')
try:
    while True:
        text += os.read(terminal, 1024).decode()
except OSError:
    pass
print(text)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(shell, 0)[1]))
