/** nginx on the loopback address, in processes of its own: a server in Node would be what is measured. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { output } from './commands.ts';

const PATIENCE = 5000;

export interface WebServer {
  /** Of the directory that it serves. */
  readonly url: string;
  /** The file with its certificate. */
  readonly certificate: string;
  close(): void;
}

/** Serves the files of `directory` by https. Throws Missing. */
export async function webServer(directory: string): Promise<WebServer> {
  output('nginx', ['-v'], 'nginx-light');
  const certificate = join(directory, 'certificate.pem');
  const key = join(directory, 'key.pem');
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', key, '-out', certificate];
  output('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, ...files], 'openssl');
  const configuration = join(directory, 'nginx.conf');
  const port = await freePort();
  writeFileSync(configuration, settings(directory, port, certificate, key));
  const log = join(directory, 'error.log');
  const server = spawn('nginx', ['-e', log, '-p', directory, '-c', configuration], { stdio: 'ignore' });
  const close = () => void server.kill();
  process.once('exit', close);
  await answering(port);
  return { url: `https://127.0.0.1:${port}`, certificate, close };
}

function settings(directory: string, port: number, certificate: string, key: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${directory}/temporary;`)
    .join(' ');
  return `daemon off; pid ${directory}/nginx.pid; worker_processes 2; error_log ${directory}/error.log;
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    events {}
    http { access_log off; sendfile on; ${temporary}
      server { listen 127.0.0.1:${port} ssl; root ${directory};
        ssl_certificate ${certificate}; ssl_certificate_key ${key}; } }`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answering(port: number): Promise<void> {
  for (const end = Date.now() + PATIENCE; Date.now() < end; await pause(20)) {
    const answers = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.unref();
      void pause(500).then(() => socket.destroy());
    });
    if (answers) return;
  }
  throw new Error('nginx does not answer');
}
