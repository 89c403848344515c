// What Next calls a proxy (formerly middleware): answers before any route is looked for.
export function proxy() {
  return Response.json({ error: 'who?' }, { status: 401 })
}

export const config = { matcher: '/api/private/:path*' }
