#!/usr/bin/env node
console.log('firmwright');
