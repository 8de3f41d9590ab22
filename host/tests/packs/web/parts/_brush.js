export const brush = "wide";
