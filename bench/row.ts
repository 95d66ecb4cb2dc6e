/** One line of the benches' table: two things compared within one run, beside the goal. */
export interface Row {
  name: string;
  measured: string;
  ratio: number;
  goal: string;
  met: boolean;
}
