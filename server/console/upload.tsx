import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FC, PropsWithChildren } from 'hono/jsx';
import { Act } from './frame.tsx';
import type { Visit } from './visit.ts';

export const uploadText = readFileSync(new URL('./upload.js', import.meta.url), 'utf8');
const fingerprint = createHash('sha256').update(uploadText).digest('base64url').slice(0, 12);

/** Address of the script that shows how far an upload is. */
export const uploadPath = '/console/upload.js';

interface UploadFormProps {
  readonly visit: Visit;
  readonly action: string;
  readonly hidden?: Readonly<Record<string, string>> | undefined;
}

/** A form that takes a file so large that one wants to see how much of it has arrived. A browser runs its script once a page. */
export const UploadForm: FC<PropsWithChildren<UploadFormProps>> = ({ children, ...form }) => (
  <Act {...form} files>
    {children}
    <div class="upload">
      <progress aria-label="Upload" max="1" value="0" hidden />
      <p role="status" />
    </div>
    <script type="module" src={`${uploadPath}?${fingerprint}`} />
  </Act>
);
