# The server as an image: built, packed and installed in stages of their own, so that what runs has the package and what it depends on,
# and nothing else. It runs as a user without rights, and needs to write to /data only: docker run --read-only --tmpfs /tmp.
#
#   docker build -t keyturn .
#   docker run --read-only --tmpfs /tmp -v keyturn:/data -p 127.0.0.1:4780:4780 --env-file keyturn.env keyturn
ARG NODE_VERSION=24.21.0

FROM node:${NODE_VERSION}-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm pack --pack-destination /tmp && mv /tmp/keyturn-*.tgz /tmp/keyturn.tgz

FROM node:${NODE_VERSION}-bookworm-slim AS install
WORKDIR /app
COPY --from=build /tmp/keyturn.tgz /tmp/keyturn.tgz
RUN npm install --omit=dev --no-audit --no-fund /tmp/keyturn.tgz

FROM node:${NODE_VERSION}-bookworm-slim
# npm and its like are of no use to a server, and of some to whoever gets into it.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn-* \
  && install -d -m 0700 -o node -g node /data
COPY --from=install --chown=root:root /app /app
ENV NODE_ENV=production \
    KEYTURN_HOME=/data/.keyturn \
    KEYTURN_HOST=0.0.0.0
WORKDIR /data
USER 1000:1000
VOLUME /data
EXPOSE 4780
# /readyz, not /healthz: a server that is sealed or without its database gets no traffic, and is not killed for it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:4780/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/node_modules/keyturn/bin/keyturn.cjs"]
CMD ["serve"]
