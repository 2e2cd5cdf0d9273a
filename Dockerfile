# One image for every role: docker run wx-bridge gateway | dispatcher | check | push

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build

FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional

FROM node:24-slim
# A new named volume takes the owner of the folder it covers.
RUN install -d -o node -g node /data /tokens
WORKDIR /app
ENV NODE_ENV=production
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json ./
USER node
EXPOSE 7080
ENTRYPOINT ["node", "/app/dist/cli/wx-bridge.js"]
