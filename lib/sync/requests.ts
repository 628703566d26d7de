// Requests to destinations, answered or turned into an error in words.
import { codeIn } from '../providers/answers.ts';
import type { HttpAnswer, HttpRequest } from '../providers/http.ts';
import { type SyncCall, SyncError } from './destination.ts';

/** @throws SyncError where there is no answer, or one that is neither 2xx nor one of `also` */
export async function request(
  call: SyncCall,
  title: string,
  doing: string,
  sent: HttpRequest,
  also: readonly number[] = [],
): Promise<HttpAnswer> {
  const answer = await call.http.send(sent);
  if (!('headers' in answer)) throw new SyncError(`${title} could not be reached for ${doing}: ${answer.reason}`, true);
  const { status } = answer;
  if ((status >= 200 && status < 300) || also.includes(status)) return answer;
  const code = codeIn(answer, 'error.code', 'code');
  const passing = status === 429 || status >= 500;
  throw new SyncError(`${title} refused ${doing} (${code === undefined ? status : `${status}, ${code}`})`, passing);
}
